"""`run` and `backfill` on Spark publish what they publish here: rows, order, ledger; and nothing when they fail."""

import datetime as dt
import json
import math
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hourly import Hourly, stream
from interop_worker import Spark
from oracle.compare import differences
from sources import CLICKS, clicks, with_days, write_file
from spark_functions_test import AGGREGATES, AT, EVENTS, ROWS, listed
from spark_sql_test import drawn, floats_of, tame_seeds, write_drawn
from tidemill_command import call, data_files, fingerprint, hidden_files
from world import DATE, World

FEATURES = """
  n: {expr: count(*), windows: [1d, 2d, 4d]}
  clicks: {expr: count(*) filter (where kind = 'click'), windows: [1d, 4d], default: 0}
  kinds: {expr: count(distinct kind), windows: [1d, 2d, 4d]}
  values_seen: count(distinct value)
  sum_of_values: {expr: sum(distinct value), windows: [2d, 4d]}
  total: {expr: sum(value), windows: [1d, 4d]}
  mean: {expr: avg(value), windows: [1d, 4d]}
  spread: {expr: stddev_samp(value), windows: [1d, 2d, 4d]}
  variance: var_pop(value)
  low: {expr: min(value), windows: [1d, 4d]}
  latest: {expr: max(at), windows: [1d, 4d]}
  first_kind: {expr: first(kind), windows: [1d, 4d]}
  last_kind: {expr: last(kind), windows: [1d, 4d]}
  best: {expr: "max_by(kind, value)", windows: [1d, 4d]}
  worst: "min_by(kind, value)"
  any_buy: {expr: bool_or(kind = 'buy'), windows: [1d, 4d]}
  rate: clicks_4d / n_4d
  days_since: datediff(feature_date, latest_4d)
"""
CHECKS = """
input: [row_count > 20, null_rate(value) < 0.5, "contains(kind, 'view', 'buy')", "unique(user_id, at)", stddev_samp(value) > 0]
output: [row_count > 2, unique(user_id), "row_count >= 0.5 * previous(row_count) or previous(row_count) is null"]
"""


def partitions(out: Path) -> dict[str, pa.Table]:
    """{folder: rows} of what readers see, in the order of the files."""
    tables: dict[str, list[pa.Table]] = {}
    for file in data_files(out):
        tables.setdefault(str(file.parent.relative_to(out)), []).append(pq.ParquetFile(file).read())
    return {folder: pa.concat_tables(parts) for folder, parts in tables.items()}


def ledger(out: Path) -> dict[str, dict]:
    """{date: what its entry says of input and checks}, texts of doubles shortened to what engines agree on."""
    entries = {}
    for path in sorted((out / "_tidemill/dates").glob("*.json")):
        entry = json.loads(path.read_text())
        published = entry.get("published") or {}
        for name in ("run_id", "published_at", "files"):
            published.pop(name, None)
        for check in published.get("checks", []):
            check["value"] = rounded(check["value"])
        published["metrics"] = {key: str(value)[:60] for key, value in (published.get("metrics") or {}).items()}
        entries[path.stem] = {"status": entry["last_attempt"]["status"], **published}
    return entries


def rounded(text: str) -> object:
    try:
        value = float(text)
    except ValueError:
        return text
    return text if math.isnan(value) else float(f"{value:.9g}")


def assert_same_tables(spark_out: Path, native_out: Path, entity: list[str]) -> None:
    got, want = partitions(spark_out), partitions(native_out)
    assert got.keys() == want.keys()
    for folder, rows in want.items():
        assert got[folder].schema.equals(rows.schema), folder
        found = differences(got[folder], rows, entity, floats_of(rows))
        assert not found, folder + ":\n" + "\n".join(found)
        keys = [table.select(entity).to_pylist() for table in (got[folder], rows)]
        assert repr(keys[0]) == repr(keys[1]), f"{folder}: the rows are in another order"
    assert ledger(spark_out) == ledger(native_out)
    assert hidden_files(spark_out) == []


def both(spark: Spark, world: World, start: str, end: str) -> dict:
    """Backfills on both engines, and compares; what Spark's call gave."""
    on_spark = {**world.sets, "OUT": world.folder / "on-spark"}
    done = spark.tidemill(world.file, on_spark, "backfill", start, end)
    world.command("backfill", world.file, "--start", start, "--end", end, expect=None)
    assert_same_tables(on_spark["OUT"], world.out, ["user_id"])
    return done


@pytest.fixture
def many(world: World) -> World:
    clicks(world.events, days=6, users=9, per_day=80)
    world.pipeline(features=FEATURES, checks=CHECKS, window="4d")
    return world


def test_one_date(spark, many):
    sets = {**many.sets, "OUT": many.folder / "on-spark"}
    done = spark.tidemill(many.file, sets, "run", DATE)
    native = many.report()
    assert done["code"] == 0, done
    for name in ("status", "rows_read", "rows_written", "rows_dropped", "rows_filtered", "entities", "days_read"):
        assert done["report"][name] == native[name], name
    assert_same_tables(sets["OUT"], many.out, ["user_id"])


def test_backfill_is_one_pass_of_the_same_rows(spark, many):
    done = both(spark, many, "2026-02-27", "2026-03-08")
    assert done["report"]["passes"] == 1
    assert {date["status"] for date in done["report"]["dates"]} == {"done", "failed"}, "checks fail where there is nothing"


def test_dates_between_that_are_not_wanted(spark, world):
    """A day with a bad event fails the dates whose windows hold it; later, one date alone is there already."""
    write_file(world.events / "event_date=2026-03-03/bad.parquet", [{"user_id": "u1", "kind": "bad"}], CLICKS)
    features = FEATURES.replace("2d, 4d", "2d").replace("4d", "2d")
    world.pipeline(features=features, checks="input: [\"count(*) filter (where kind = 'bad') = 0\"]", window="2d")
    done = both(spark, world, "2026-03-01", "2026-03-05")
    assert [date["status"] for date in done["report"]["dates"]] == ["done", "done", "failed", "failed", "done"]

    world.pipeline(features=features, window="1d")
    sets = {**world.sets, "OUT": world.folder / "one-by-one"}
    assert spark.tidemill(world.file, sets, "run", "2026-03-03")["code"] == 0
    assert spark.tidemill(world.file, sets, "backfill", "2026-03-01", "2026-03-05", only="missing")["code"] == 0
    call("backfill", world.file, "--start", "2026-03-01", "--end", "2026-03-05", sets={**sets, "OUT": world.folder / "all"})
    assert_same_tables(sets["OUT"], world.folder / "all", ["user_id"])


def test_every_aggregate_over_windows_of_many_dates(spark, tmp_path):
    at = pa.array([AT - dt.timedelta(hours=i % 95) for i in range(ROWS)], pa.timestamp("us"))
    events = EVENTS.set_column(1, "at", at).append_column("g", pa.array([i % 7 for i in range(ROWS)], pa.int32()))
    (tmp_path / "events").mkdir()
    pq.write_table(events, tmp_path / "events/part-0.parquet")
    calls = listed(AGGREGATES)
    lines = [f"  f{i}: {{expr: {json.dumps(text)}, windows: [2d, 4d]}}" for i, text in enumerate(calls)]
    no_check = "first|last|datediff|collect_list|^(top_k|histogram|collect_set)"  # by event_time or date, or a list
    checks = [{"check": f"({text}) is null", "severity": "warn"} for text in calls if not re.search(no_check, text)]
    file = tmp_path / "pipeline.yaml"
    file.write_text(
        "pipeline: aggregates\nsource: {path: events, event_time: at, timezone: Europe/Berlin}\nentity: g\nwindow: 4d\n"
        f"checks: {json.dumps({'input': checks})}\nfeatures:\n" + "\n".join(lines) + '\noutput: {path: "${OUT}"}\n'
    )
    dates = "2026-03-28", "2026-03-30"
    done = spark.tidemill(file, {"OUT": tmp_path / "on-spark"}, "backfill", *dates)
    assert done["code"] == 0, done
    call("backfill", file, "--start", dates[0], "--end", dates[1], sets={"OUT": tmp_path / "out"})
    assert_same_tables(tmp_path / "on-spark", tmp_path / "out", ["g"])


def test_paths_that_look_like_patterns(spark, world):
    """Of folders, and of values in the names of partitions."""
    odd = world.folder / "odd {a,b}[c] 100% #1?"
    world.events.rename(odd)
    for file in data_files(odd):
        member = odd / file.parent.name / ("team=a%2Fb%20c" if file.parent.name[-1] in "12" else "team=x")
        member.mkdir()
        file.rename(member / file.name)
    world.pipeline(features="n: count(*)\nteam: max(team)", window="4d")
    sets = {"EVENTS": odd, "OUT": world.folder / "on-spark"}
    done = spark.tidemill(world.file, sets, "backfill", "2026-03-01", DATE)
    assert done["code"] == 0, done
    call("backfill", world.file, "--start", "2026-03-01", "--end", DATE, sets={**sets, "OUT": world.out})
    assert_same_tables(sets["OUT"], world.out, ["user_id"])
    assert {row["team"] for row in world.rows("2026-03-02")} == {"a/b c"}


@pytest.mark.parametrize("policy", ["drop", "keep", "error"])
def test_null_entities(spark, world, policy):
    rows = [{"user_id": None if i % 3 == 0 else f"u{i % 4}", "kind": "view", "value": 1.5} for i in range(40)]
    write_file(world.events / "event_date=2026-03-03/part-9.parquet", rows, CLICKS)
    world.pipeline(features=FEATURES, window="4d", more=f"null_entity: {policy}")
    done = both(spark, world, "2026-03-02", "2026-03-04")
    if policy == "error":
        assert done["code"] == 1
        assert all("with a NULL entity (user_id)" in date["reason"] for date in done["report"]["dates"])
    else:
        assert done["code"] == 0


def test_a_filter_derived_columns_and_several_entities(spark, world):
    source = "day: event_date, event_time: at, where: \"kind <> 'buy'\", columns: {twice: 'value * 2', loud: upper(kind)}"
    world.pipeline(source=source, entity="[loud, user_id]", features="n: count(*)\nmost: max(twice)\nk: count(distinct loud)")
    sets = {**world.sets, "OUT": world.folder / "on-spark"}
    assert spark.tidemill(world.file, sets, "backfill", "2026-03-01", "2026-03-05")["code"] == 0
    world.backfill("2026-03-01", "2026-03-05")
    assert_same_tables(sets["OUT"], world.out, ["loud", "user_id"])


@pytest.mark.parametrize("zoned", [True, False], ids=["zoned", "naive"])
@pytest.mark.parametrize("day, around", [("2026-03-29", ("2026-03-26", "2026-03-31")), ("2026-10-25", ("2026-10-22", "2026-10-27"))])
def test_hours_around_a_change_of_clocks(spark, tmp_path, day, around, zoned):
    hourly = Hourly(tmp_path, "Europe/Stockholm", zoned, partitioned=zoned, windows=("6h", "2d"))
    hourly.add(stream(*around, hourly.zone, zoned))
    first, last = f"{day}T00", f"{day}T06"
    sets = hourly.sets(tmp_path / "on-spark")
    done = spark.tidemill(hourly.file, sets, "backfill", first, last)
    assert done["code"] == 0, done
    hourly.range("backfill", first, last)
    assert_same_tables(sets["OUT"], hourly.out, ["user_id"])


def test_a_version_of_a_delta_source(spark, deltars, world):
    """Deletion vectors and later versions: what the version holds is what counts."""
    rows = with_days(world.events)
    table = world.folder / "delta"
    deltars.write(table, rows)
    spark.sql(
        f"ALTER TABLE delta.`{table}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        f"DELETE FROM delta.`{table}` WHERE user_id = 'u1'",
        f"DELETE FROM delta.`{table}` WHERE user_id = 'u2'",
    )
    world.pipeline(source="event_time: at, version: 2", features=FEATURES, window="4d")
    sets = {"EVENTS": table, "OUT": world.folder / "on-spark"}
    done = spark.tidemill(world.file, sets, "backfill", "2026-03-02", DATE)
    assert done["code"] == 0, done
    call("backfill", world.file, "--start", "2026-03-02", "--end", DATE, sets={**sets, "OUT": world.out})
    assert_same_tables(sets["OUT"], world.out, ["user_id"])
    assert not {"u1"} & {row["user_id"] for row in world.rows()} and world.rows()


@pytest.mark.parametrize(
    "code, checks, features",
    [
        (3, "input: [row_count > 1000000]", "n: count(*)"),
        (4, "output: [max(n) < 2]", "n: count(*)"),
        (1, "", "n: sum(cast(9e18 as bigint))"),
        (2, "", "n: max(cast(value as text))"),
    ],
    ids=["input check", "output check", "overflow", "no Spark for it"],
)
def test_a_failure_leaves_the_table_as_it_was(spark, world, code, checks, features):
    world.run()
    before = fingerprint(world.out)
    world.pipeline(checks=checks, features=features)
    done = spark.tidemill(world.file, world.sets, "run", DATE)
    assert done["code"] == code, done
    assert fingerprint(world.out) == before and before
    assert hidden_files(world.out) == []
    if code == 2:
        assert "feature 'n'" in done["error"] and "double precision" in done["error"]


def test_checks_alone(spark, many):
    done = spark.tidemill(many.file, many.sets, "check_input", DATE)
    native = json.loads(many.command("check", many.file, "--date", DATE, "--json").stdout)["checks"]
    assert [(c["check"], c["passed"], rounded(c["value"])) for c in done["report"]] == [
        (c["check"], c["passed"], rounded(c["value"])) for c in native
    ]


@pytest.mark.parametrize("seed", tame_seeds(1001, 10))
def test_random_backfills(spark, seed, tmp_path):
    source, pipeline = drawn(seed)
    write_drawn(seed, source, tmp_path / "events")
    names = [column.sql for column in source.entity]
    warnings = [f"unique({', '.join(names)}, at)", f"null_rate({names[0]}) > 0.5", "count(distinct at) > 3", "max(at) is null"]
    checks = [{"check": check, "severity": "warn"} for check in warnings]
    file = tmp_path / "pipeline.yaml"
    file.write_text(pipeline.text + f"checks: {json.dumps({'input': checks})}\n", encoding="utf-8")
    start, end = str(source.first), pipeline.date
    sets = {"EVENTS": tmp_path / "events", "OUT": tmp_path / "out"}
    try:
        done = spark.tidemill(file, {**sets, "OUT": tmp_path / "on-spark"}, "backfill", start, end)
        assert done["code"] == 0, done
        call("backfill", file, "--start", start, "--end", end, sets=sets)
        assert_same_tables(tmp_path / "on-spark", tmp_path / "out", [column.name for column in source.entity])
    except Exception:
        print(f"seed {seed}, {start} to {end}, pipeline:\n{file.read_text()}")
        raise


def test_spark_connect(many, connect):
    """The same on a Spark Connect server, a process of its own."""
    sets = {**many.sets, "OUT": many.folder / "on-connect"}
    done = connect.tidemill(many.file, sets, "backfill", "2026-03-02", DATE)
    assert done["code"] == 0, done
    many.backfill("2026-03-02", DATE)
    assert_same_tables(sets["OUT"], many.out, ["user_id"])
