"""Reads and writes Delta tables with delta-rs."""

import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, QueryBuilder, write_deltalake
from requests_by_line import serve

PLAIN = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}


def read(table: str, into: str, sql: str = "SELECT * FROM t", version: int | None = None, options: dict | None = None):
    """Writes the answer to a query over the table `t` to a Parquet file."""
    opened = DeltaTable(table, version=version, storage_options=options)
    # Not to_pyarrow_table(): it refuses deletion vectors.
    rows = pa.table(QueryBuilder().register("t", opened).execute(sql).read_all())
    plain = pa.schema([field.with_type(PLAIN.get(field.type, field.type)) for field in rows.schema])
    pq.write_table(rows.cast(plain), into)


def write(
    table: str,
    rows: str,
    mode: str = "append",
    partition_by: list[str] | None = None,
    configuration: dict[str, str] | None = None,
    predicate: str | None = None,
    schema_mode: str | None = None,
    metadata: dict[str, str] | None = None,
    options: dict | None = None,
):
    """Writes the rows of a Parquet file."""
    write_deltalake(
        table,
        pq.ParquetFile(rows).read(),
        mode=mode,
        partition_by=partition_by,
        configuration=configuration,
        predicate=predicate,
        schema_mode=schema_mode,
        commit_properties=CommitProperties(custom_metadata=metadata) if metadata else None,
        storage_options=options,
    )


def delete(table: str, where: str, options: dict | None = None):
    DeltaTable(table, storage_options=options).delete(where)


def checkpoint(table: str, options: dict | None = None):
    DeltaTable(table, storage_options=options).create_checkpoint()


def about(table: str, options: dict | None = None) -> dict:
    opened = DeltaTable(table, storage_options=options)
    protocol = opened.protocol()
    return {
        "version": opened.version(),
        "configuration": opened.metadata().configuration,
        "partition_columns": opened.metadata().partition_columns,
        "features": sorted({*(protocol.reader_features or []), *(protocol.writer_features or [])}),
        "schema": opened.schema().to_json(),
        "files": len(opened.file_uris()),
    }


serve(read, write, delete, checkpoint, about)
sys.stderr.flush()
os._exit(0)  # delta-rs sometimes aborts in an orderly end
