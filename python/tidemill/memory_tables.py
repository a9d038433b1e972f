"""Tables in memory as sources: written once, as Parquet, to a folder named by their content.

A time of modification that follows from the content makes the same table the same source, so that what the ledger
knows of a date's input holds in the next process as well, and another table of the same size is a change."""

import atexit
import hashlib
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

_ROW_GROUP = 131_072
_folder: Path | None = None


def is_table(value: Any) -> bool:
    """Whether it gives an Arrow stream: tables of pyarrow, Polars, pandas, DuckDB and others do."""
    return hasattr(value, "__arrow_c_stream__")


def folder_of(value: Any) -> str:
    """The folder of Parquet files that holds the rows of a table. Removed at the end of the process."""
    table = pa.table(value)
    digest = hashlib.blake2b(digest_size=16)
    with pa.ipc.new_stream(_Sink(digest), table.schema) as stream:
        stream.write_table(table.combine_chunks())
    folder = _root() / digest.hexdigest()
    if not folder.exists():
        made = Path(tempfile.mkdtemp(dir=folder.parent))
        part = made / "part-00000.parquet"
        pq.write_table(table, part, row_group_size=_ROW_GROUP, compression="lz4")
        seconds = int.from_bytes(digest.digest()[:4], "big")
        os.utime(part, (seconds, seconds))
        try:
            made.rename(folder)
        except OSError:
            # Another thread was faster.
            shutil.rmtree(made)
    return str(folder)


def _root() -> Path:
    global _folder
    if _folder is None:
        _folder = Path(tempfile.mkdtemp(prefix="tidemill-tables-"))
        atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    return _folder


class _Sink:
    """A file that keeps only the digest of what is written to it."""

    closed = False

    def __init__(self, digest: Any) -> None:
        self.digest = digest

    def write(self, data: Any) -> int:
        view = memoryview(data)
        self.digest.update(view)
        return view.nbytes

    def flush(self) -> None: ...

    def close(self) -> None:
        self.closed = True

    def writable(self) -> bool:
        return True
