"""Reads Delta tables with DuckDB."""

from pathlib import Path

import duckdb
import duckdb_extension_delta
from requests_by_line import serve

folder = Path(duckdb_extension_delta.__file__).parent / "extensions"
(extension,) = folder.rglob("delta.duckdb_extension")
connection = duckdb.connect()
connection.execute(f"LOAD '{extension}'")


def read(table: str, into: str, sql: str = "SELECT * FROM t"):
    """Writes the answer to a query over the table `t` to a Parquet file."""
    connection.execute(f"CREATE OR REPLACE TEMP VIEW t AS SELECT * FROM delta_scan('{table}')")
    connection.execute(f"COPY ({sql}) TO '{into}' (FORMAT parquet)")


serve(read)
