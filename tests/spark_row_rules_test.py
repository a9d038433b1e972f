"""Row rules on Spark: the verdicts, the quarantined rows and the features of the native engine."""

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hourly import Hourly, stream
from interop_worker import Spark
from sources import CLICKS, clicks, with_days, write_file
from spark_engine_test import FEATURES, assert_same_tables, both
from tidemill_command import data_files
from world import DATE, World

RULES = """
rows:
  - {rule: "value < 9", name: small, quarantine: true}
  - {rule: "kind <> 'buy' or value is null", name: free, quarantine: true, max_rate: 0.9}
  - {rule: "user_id <> 'u1'", name: others, severity: warn}
input: [row_count > 3, every(value < 9), count(distinct user_id) > 1]
"""


def quarantined(out: Path) -> dict[str, pa.Table]:
    return {file.name: pq.ParquetFile(file).read() for file in sorted((out / "_tidemill/quarantine").glob("*/*.quarantine"))}


def assert_same_quarantine(world: World) -> None:
    got, want = quarantined(world.folder / "on-spark"), quarantined(world.out)
    assert got.keys() == want.keys() and want
    for name, rows in want.items():
        assert rows.num_rows > 0 and got[name].schema.equals(rows.schema)
        assert got[name].equals(rows), name


@pytest.mark.parametrize("dates", [(DATE, DATE), ("2026-03-01", "2026-03-05")], ids=["one", "many"])
def test_failing_rows_leave_the_input(spark, world, dates):
    world.pipeline(features=FEATURES, checks=RULES, window="4d")
    done = both(spark, world, *dates)
    assert done["code"] == 0, done
    assert_same_quarantine(world)
    entry = json.loads((world.out / f"_tidemill/dates/{DATE}.json").read_text())["published"]
    assert entry["rows_quarantined"] > 0


@pytest.mark.parametrize("rule", ["value < 100", '{rule: "value < 100", max_rate: 0.1, quarantine: true}'])
def test_too_many_failing_rows_fail_the_date(spark, world, rule):
    world.pipeline(checks=f"rows:\n  - {rule}\n  - {{rule: user_id > 'u0', severity: warn, name: late}}")
    done = both(spark, world, DATE, DATE)  # the reasons too, with examples, are the same
    (date,) = done["report"]["dates"]
    assert date["status"] == "failed" and "row 0 (value = NULL)" in date["reason"]
    if "quarantine" in rule:
        assert_same_quarantine(world)


def test_rules_over_joined_and_derived_columns(spark, world):
    users = world.folder / "users.parquet"
    pq.write_table(pa.table({"id": ["u1", "u2", "u3"], "level": [1, 2, None]}), users)
    source = (
        "day: event_date, event_time: at, columns: {twice: value * 2}, "
        f'join: [{{path: "{users}", key: {{user_id: id}}, columns: [level]}}]'
    )
    checks = 'rows:\n  - {rule: "twice < 12", quarantine: true}\n  - {rule: "level < 3", quarantine: true}'
    world.pipeline(source=source, features="n: count(*)\n most: max(twice)", checks=checks)
    assert both(spark, world, "2026-03-02", DATE)["code"] == 0
    assert_same_quarantine(world)


def test_paths_that_a_uri_encodes(spark, tmp_path):
    world = World(tmp_path / "odd {a,b}[c] 100% #1?é")
    clicks(world.events)
    for file in data_files(world.events):
        member = file.parent / ("team=a%2Fb%20c" if file.parent.name[-1] in "12" else "team=x")
        member.mkdir()
        file.rename(member / file.name)
    world.pipeline(features="n: count(*)", checks='rows:\n  - {rule: "value < 8", quarantine: true}', window="4d")
    assert both(spark, world, "2026-03-01", DATE)["code"] == 0
    assert_same_quarantine(world)


def test_columns_that_no_feature_needs_and_several_files(spark, world):
    schema = pa.schema([*CLICKS, ("tags", pa.list_(pa.string())), ("price", pa.decimal128(9, 2)), ("raw", pa.binary())])
    rows = [
        {"user_id": f"u{i % 3}", "kind": "view", "value": float(i % 11), "tags": ["a", None] if i % 2 else None, "price": None, "raw": b"\0\xff"}
        for i in range(90)
    ]
    for part in (7, 8, 9):
        write_file(world.events / f"event_date=2026-03-03/part-{part}.parquet", rows, schema, row_group_size=20)
    world.pipeline(features="n: count(*)", checks='rows:\n  - {rule: "value < 8", quarantine: true}')
    assert both(spark, world, "2026-03-02", DATE)["code"] == 0
    assert_same_quarantine(world)


def test_rows_of_a_delta_table_with_deleted_ones(spark: Spark, deltars, world):
    rows = with_days(world.events)
    table = world.events
    shutil.rmtree(table)
    deltars.write(table, rows)
    spark.sql(
        f"ALTER TABLE delta.`{table}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        f"DELETE FROM delta.`{table}` WHERE user_id = 'u2'",
    )
    world.pipeline(source="event_time: at", features="n: count(*)", checks='rows:\n  - {rule: "value < 8", quarantine: true}', window="4d")
    assert both(spark, world, "2026-03-02", DATE)["code"] == 0
    assert_same_quarantine(world)


def test_hours(spark, tmp_path):
    hourly = Hourly(tmp_path, "Europe/Stockholm", zoned=True, partitioned=True, windows=("6h",))
    hourly.add(stream("2026-03-26", "2026-03-31", hourly.zone, True))
    text = hourly.file.read_text()
    hourly.file.write_text(text + '\nchecks: {rows: [{rule: "user_id <> \'u1\'", quarantine: true}]}\n')
    first, last = "2026-03-29T00", "2026-03-29T06"
    sets = hourly.sets(tmp_path / "on-spark")
    done = spark.tidemill(hourly.file, sets, "backfill", first, last)
    assert done["code"] == 0, done
    hourly.range("backfill", first, last)
    assert_same_tables(sets["OUT"], hourly.out, ["user_id"])
    got, want = quarantined(sets["OUT"]), quarantined(hourly.out)
    assert got.keys() == want.keys() and want and all(got[name].equals(rows) for name, rows in want.items())
