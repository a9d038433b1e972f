"""What Tidemill writes into Delta tables is read by delta-rs, DuckDB and Spark, and they go on with it."""

import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from delta_world import DeltaWorld
from interop_worker import Worker
from sources import write_file
from typed_events import TYPED, days_of, plain, typed_events
from world import DATE


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory, deltars: Worker) -> DeltaWorld:
    """A table of two dates, one of them written twice, partitioned by a column with odd values, and later extended."""
    made = DeltaWorld(tmp_path_factory.mktemp("ours"), deltars)
    for day, rows in days_of(typed_events()):
        write_file(made.events / f"event_date={day}/part-0.parquet", rows.to_pylist(), TYPED)
    names = ("n", "price", "value", "day", "naive", "instant")
    features = "events: count(*)\nyes: bool_or(yes)\n" + "\n".join(f"{name}: max({name})" for name in names)
    parts = {
        "source": "day: event_date, event_time: instant",
        "entity": "[user_id, country]",
        "more": "null_entity: keep",
        "features": features,
        "output": "format: delta, partition_by: [feature_date, country], max_rows_per_file: 7",
    }
    made.pipeline(**parts)
    for date in ("2026-03-03", DATE, "2026-03-03"):
        made.run(date=date)
    made.pipeline(**{**parts, "features": features + "\nusers: count(distinct user_id)"})
    made.run(date="2026-03-02")
    return made


@pytest.fixture(params=["deltars", "duckdb_delta", "spark"])
def reader(request: pytest.FixtureRequest) -> Worker:
    return request.getfixturevalue(request.param)


def as_its_files_say(world: DeltaWorld) -> pa.Table:
    """The rows of the table from the log and the files alone."""
    columns = world.log.columns()
    tables = []
    for add in world.log.live().values():
        rows = pq.ParquetFile(world.log.file_of(add)).read()
        for name, value in add["partitionValues"].items():
            kind = pa.date32() if columns[name]["type"] == "date" else pa.string()
            value = dt.date.fromisoformat(value) if columns[name]["type"] == "date" else value
            rows = rows.append_column(pa.field(name, kind), pa.array([value] * rows.num_rows, kind))
        tables.append(rows)
    return pa.concat_tables(tables, promote_options="default").select(list(columns))


def test_others_read_what_was_written(ours, reader):
    table = reader.read(ours.out)
    want = as_its_files_say(ours)
    assert want.num_rows > 100 and set(table.column_names) == set(want.column_names)
    assert plain(table) == plain(want)


@pytest.mark.parametrize(
    "condition",
    [
        f"feature_date = DATE '{DATE}'",
        "country = 'a/b=c d%'",
        "country IS NULL",
        "user_id = 'u4' AND events > 1",
        "n > 400",
        "isnan(value)",
        "users IS NULL",
    ],
)
def test_others_find_rows_by_conditions(ours, reader, condition):
    count = reader.read(ours.out, sql=f"SELECT count(*) AS rows FROM t WHERE {condition}")["rows"].to_pylist()
    rows = as_its_files_say(ours).to_pylist()
    holds = {
        f"feature_date = DATE '{DATE}'": lambda r: str(r["feature_date"]) == DATE,
        "country = 'a/b=c d%'": lambda r: r["country"] == "a/b=c d%",
        "country IS NULL": lambda r: r["country"] is None,
        "user_id = 'u4' AND events > 1": lambda r: r["user_id"] == "u4" and r["events"] > 1,
        "n > 400": lambda r: (r["n"] or 0) > 400,
        "isnan(value)": lambda r: r["value"] != r["value"],
        "users IS NULL": lambda r: r["users"] is None,
    }[condition]
    assert count == [sum(map(holds, rows))] and count != [0]


def test_spark_goes_on_with_the_table(disk_delta, spark):
    """It deletes, updates and merges; then Tidemill replaces a date, and both agree."""
    for date in ("2026-03-02", "2026-03-03", DATE):
        disk_delta.run(date=date)
    place = f"delta.`{disk_delta.out}`"
    spark.sql(
        f"ALTER TABLE {place} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true', 'team' = 'features')",
        f"DELETE FROM {place} WHERE user_id = 'u1' AND feature_date < '{DATE}'",
        f"UPDATE {place} SET events = 1000 WHERE user_id = 'u2' AND feature_date = '2026-03-03'",
    )
    configuration = disk_delta.log.configuration
    before = {date: disk_delta.rows(date) for date in ("2026-03-02", "2026-03-03", DATE)}
    assert any(row["events"] == 1000 for row in before["2026-03-03"])
    disk_delta.run(date="2026-03-03")
    assert disk_delta.log.configuration == configuration
    assert disk_delta.rows("2026-03-02") == before["2026-03-02"] and disk_delta.rows(DATE) == before[DATE]
    after = disk_delta.rows("2026-03-03")
    assert {row["user_id"] for row in after} >= {"u1", "u2"} and all(row["events"] < 1000 for row in after)
    assert plain(spark.read(disk_delta.out)) == plain(disk_delta.table(date=None))
    assert spark.sql(f"DELETE FROM {place} WHERE user_id = 'u0'")
    assert "u0" not in {row["user_id"] for row in disk_delta.rows(date=None)}


def test_merging_into_rows_with_deletion_vectors(disk_delta, spark):
    disk_delta.pipeline(output="format: delta, partition_by: [feature_date], mode: merge")
    disk_delta.run()
    place = f"delta.`{disk_delta.out}`"
    spark.sql(
        f"ALTER TABLE {place} SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        f"DELETE FROM {place} WHERE user_id IN ('u1', 'u2')",
    )
    text = disk_delta.file.read_text()
    disk_delta.file.write_text(text.replace("event_time: at", "event_time: at, where: \"user_id in ('u1', 'u3')\""))
    rows = {row["user_id"] for row in disk_delta.rows()}
    assert not rows & {"u1", "u2"}
    disk_delta.run()
    after = [row["user_id"] for row in disk_delta.rows()]
    assert len(after) == len(set(after)) and set(after) == rows | {"u1", "u3"}
    assert plain(spark.read(disk_delta.out)) == plain(disk_delta.table())
