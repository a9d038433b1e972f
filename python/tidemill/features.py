"""Features as a table: what is computed, and what is published."""

import os
from collections.abc import Iterable
from datetime import date as Date
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from .feature_dates import FeatureDate, label_of
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
        """The entity, then the features; of published features then the partition."""
        return self._table.column_names

    def to_arrow(self) -> pa.Table:
        """As a table of pyarrow; no copy."""
        return self._table

    def to_pandas(self) -> "pandas.DataFrame":
        """As a data frame of pandas; a copy."""
        return self._table.to_pandas()

    def to_polars(self) -> "polars.DataFrame":
        """As a data frame of Polars; no copy of most types."""
        import polars

        return polars.from_arrow(self._table)

    def __repr__(self) -> str:
        return f"<tidemill.Features: {len(self):,} rows, {len(self.column_names)} columns>"


def read_features(
    path: str | os.PathLike[str],
    dates: Iterable[FeatureDate] | FeatureDate | None = None,
    columns: Iterable[str] | str | None = None,
) -> Features:
    """The published features of some dates (None: of all) in a table of Parquet files or a Delta table, with their
    partition columns, in the order of the dates. `columns` None: all of them. A date that is not published has no
    rows. Errors: RunFailed where there is no table."""
    if dates is not None:
        dates = [dates] if isinstance(dates, str | Date) else list(dates)
    labels = None if dates is None else [label_of(date) for date in dates]
    if columns is not None:
        columns = [columns] if isinstance(columns, str) else list(columns)
    return Features(_core.read_features(os.fsdecode(path), labels, columns))
