"""The features of one date: source rows -> window -> aggregates -> features."""

import os
import re

import duckdb
import pyarrow as pa

from . import exact
from .expressions import MACROS, aggregate_sql, names_in, parse, duckdb_sql, row_sql, take_aggregates
from .pipeline_file import Feature, PipelineFile, load


def features(path: str, date: str, names: dict[str, str] | None = None) -> tuple[pa.Table, list[str]]:
    """(table of entity columns and features in file order, entity columns); features that are volatile are left out."""
    pipeline = load(path, names)
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        connection.execute("SET error_on_division_by_zero = false")
        connection.execute(f"SET TimeZone = '{pipeline.timezone}'")
        for macro in MACROS:
            connection.execute(macro)
        exact.register(connection)
        _load_window(connection, pipeline, date)
        return _compute(connection, pipeline, date), pipeline.entity


def _load_window(connection: duckdb.DuckDBPyConnection, pipeline: PipelineFile, date: str) -> None:
    """The table `events`: rows of the longest window after `where` and null_entity, with their day as __day."""
    types = ", ".join(f"'{name}': {kind}" for name, kind in _partition_types(pipeline.source_path).items())
    hive = f"hive_partitioning = true, hive_types = {{{types}}}" if types else "hive_partitioning = false"
    files = f"read_parquet('{pipeline.source_path}/**/*.parquet', union_by_name = true, {hive})"
    columns = {row[0]: row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()}
    # DuckDB has few functions for instants in nanoseconds; sources of tests hold whole microseconds.
    micros = ", ".join(f'CAST("{c}" AS TIMESTAMPTZ) AS "{c}"' for c, kind in columns.items() if kind == "TIMESTAMPTZ_NS")
    replace = f" REPLACE ({micros})" if micros else ""
    connection.execute(f"CREATE VIEW source AS SELECT *{replace} FROM {files}")
    derived = ", ".join(["*"] + [f'{row_sql(expr)} AS "{name}"' for name, expr in pipeline.columns.items()])
    day = _day(pipeline, columns)
    conditions = [f"__day BETWEEN DATE '{date}' - {pipeline.longest_window - 1} AND DATE '{date}'"]
    if pipeline.where:
        conditions.append(f"({row_sql(pipeline.where)}) IS TRUE")
    if pipeline.null_entity == "drop":
        conditions += [f'"{name}" IS NOT NULL' for name in pipeline.entity]
    connection.execute(
        f"CREATE TABLE events AS SELECT * FROM (SELECT {derived}, CAST({day} AS DATE) AS __day FROM source) "
        f"WHERE {' AND '.join(conditions)}"
    )


def _partition_types(root: str) -> dict[str, str]:
    """DATE where every value is a date, BIGINT where every value is an integer, else VARCHAR."""
    values: dict[str, list[str]] = {}
    for folder, _, files in os.walk(root):
        if any(file.endswith(".parquet") for file in files):
            for part in os.path.relpath(folder, root).split(os.sep):
                name, equals, value = part.partition("=")
                if equals:
                    values.setdefault(name, []).append(value)
    types = {}
    for name, found in values.items():
        if all(re.fullmatch(r"\d{4}-\d\d-\d\d", value) for value in found):
            types[name] = "DATE"
        else:
            types[name] = "BIGINT" if all(re.fullmatch(r"-?\d+", value) for value in found) else "VARCHAR"
    return types


def _day(pipeline: PipelineFile, columns: dict[str, str]) -> str:
    if pipeline.day in columns:
        return f'"{pipeline.day}"'
    # DuckDB's own cast of an instant to a date goes by the TimeZone that was set above.
    return row_sql(pipeline.day) if pipeline.day else f'"{pipeline.event_time}"'


def _compute(connection: duckdb.DuckDBPyConnection, pipeline: PipelineFile, date: str) -> pa.Table:
    keys = ", ".join(f'"{name}"' for name in pipeline.entity)
    kept = [feature for feature in pipeline.features if not _is_volatile(feature, pipeline.features)]
    kinds: dict[str, str] = {}

    def type_of(expression: str) -> str:
        if expression not in kinds:
            rows = connection.execute(f"DESCRIBE SELECT {expression} AS x FROM events").fetchall()
            kinds[expression] = rows[0][1]
        return kinds[expression]

    event_time = f'"{pipeline.event_time}"' if pipeline.event_time else None
    picks: list[str] = []

    def expression_of(feature: Feature) -> str:
        within = f"__day > DATE '{date}' - {feature.days}"

        def name_of(call) -> str:
            picks.append(f'{aggregate_sql(call, within, event_time, type_of)} AS "__a{len(picks)}"')
            return f"__a{len(picks) - 1}"

        result = take_aggregates(feature.expr, name_of)
        if feature.default is None:
            return result
        return f"coalesce({result}, {duckdb_sql(parse(_literal(feature.default)))})"

    expressions = {feature.name: expression_of(feature) for feature in kept}
    feature_date = f"DATE '{date}' AS feature_date"
    query = f"SELECT {', '.join([keys, feature_date, *picks])} FROM events GROUP BY {keys}"
    names = {feature.name for feature in kept}
    done: set[str] = set()
    while done < names:
        ready = [f.name for f in kept if f.name not in done and (names_in(f.expr) & names) - {f.name} <= done]
        assert ready, f"a cycle among {sorted(names - done)}"
        columns = ", ".join(f'{expressions[name]} AS "{name}"' for name in ready)
        query = f"SELECT *, {columns} FROM ({query})"
        done |= set(ready)
    order = ", ".join([keys] + [f'"{feature.name}"' for feature in kept])
    return connection.sql(f"SELECT {order} FROM ({query})").to_arrow_table()


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def _is_volatile(feature: Feature, features: list[Feature]) -> bool:
    if "run_timestamp" in feature.expr:
        return True
    others = {other.name: other for other in features if other.name != feature.name}
    return any(_is_volatile(others[name], features) for name in names_in(feature.expr) & others.keys())
