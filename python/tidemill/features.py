"""Features as a table: what is computed, and what is published."""

import os
from collections.abc import Iterable
from datetime import date as Date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .native import _core

if TYPE_CHECKING:
    import pandas
    import polars


class Features:
    """Rows of features, one per entity (and feature date). Any library that knows the Arrow PyCapsule interface takes
    them without copies: pyarrow.table(f), polars.DataFrame(f), duckdb.sql("from f"), pandas.DataFrame.from_arrow(f).
    """

    def __init__(self, stream: Any) -> None:
        self._table = pa.RecordBatchReader._import_from_c_capsule(stream).read_all()

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        return self._table.__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return self._table.num_rows

    @property
    def column_names(self) -> list[str]:
        return self._table.column_names

    def to_arrow(self) -> pa.Table:
        return self._table

    def to_pandas(self) -> "pandas.DataFrame":
        return self._table.to_pandas()

    def to_polars(self) -> "polars.DataFrame":
        import polars

        return polars.from_arrow(self._table)

    def __repr__(self) -> str:
        return f"<tidemill.Features: {len(self):,} rows, {len(self.column_names)} columns>"


def read_features(
    path: str | os.PathLike[str],
    dates: Iterable[str | Date] | str | Date | None = None,
    columns: Iterable[str] | None = None,
) -> Features:
    """The published features of some dates (None: of all) in a table of Parquet files or a Delta table, with their
    partition columns, in the order of the dates. `columns` None: all of them. A date that is not published has no
    rows. Errors: RunFailed where there is no table."""
    if dates is not None:
        dates = [dates] if isinstance(dates, str | Date) else list(dates)
    labels = None if dates is None else [str(date) for date in dates]
    return Features(_core.read_features(os.fspath(path), labels, None if columns is None else list(columns)))
