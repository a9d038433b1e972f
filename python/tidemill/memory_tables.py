"""Tables in memory as sources: written once, as Parquet, to a folder named by their content.

The same rows are the same path, and the file's time follows from them too, so what the ledger knows of a date holds in
the next process as well. The folders of a user lie side by side in the directory for temporary files. Every process that
uses some holds a lock; the last one to end removes them all."""

import atexit
import fcntl
import hashlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .errors import Invalid, RunFailed

_ROW_GROUP = 131_072


def is_table(value: Any) -> bool:
    """Whether it gives an Arrow stream: tables of pyarrow, Polars, pandas, DuckDB and others do."""
    return hasattr(value, "__arrow_c_stream__")


def folder_of(value: Any) -> str:
    """The folder of Parquet files that holds the rows of a table; a stream is read to its end. Errors: Invalid for
    what is no table, or has columns that Parquet has no types for; RunFailed and OSError if it cannot be written."""
    try:
        table = pa.table(value).combine_chunks()
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise Invalid(f"this {type(value).__name__} cannot be a source: {error}") from error
    digest = hashlib.blake2b(digest_size=16)
    with pa.ipc.new_stream(_Sink(digest), table.schema) as stream:
        stream.write_table(table)
    folder = _tables() / digest.hexdigest()
    if not folder.exists():
        _write(table, folder, int.from_bytes(digest.digest()[:4], "big"))
    return str(folder)


def _write(table: pa.Table, folder: Path, seconds: int) -> None:
    made = Path(tempfile.mkdtemp(dir=folder.parent, prefix="new-"))
    try:
        part = made / "part-00000.parquet"
        pq.write_table(table, part, row_group_size=_ROW_GROUP, compression="lz4")
        os.utime(part, (seconds, seconds))
        made.rename(folder)
    except (pa.ArrowException, OSError) as error:
        shutil.rmtree(made, ignore_errors=True)
        if folder.exists():
            return  # somebody else was faster
        if isinstance(error, OSError):
            raise
        raise Invalid(f"this table cannot be a source: {error}") from error


@cache
def _tables() -> Path:
    """The user's folder of tables, held until this process ends."""
    folder = Path(tempfile.gettempdir()) / f"tidemill-tables-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise RunFailed(f"{folder} belongs to somebody else: set TMPDIR to a folder of yours")
    lock = (folder / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_SH)
    atexit.register(_leave, folder, lock, os.getpid())
    return folder


# A child that is forked has its parent's lock, and takes one of its own when it needs one.
os.register_at_fork(after_in_child=_tables.cache_clear)


def _leave(folder: Path, lock: Any, holder: int) -> None:
    if os.getpid() != holder:
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    for table in folder.iterdir():
        if table.is_dir():
            shutil.rmtree(table, ignore_errors=True)


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
