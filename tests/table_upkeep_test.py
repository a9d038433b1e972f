"""table optimize, inspect, vacuum and history: on disk and in a bucket, Parquet and Delta."""

import pyarrow as pa
import pytest
from delta_world import DeltaWorld
from sources import clicks
from tidemill_command import call, call_json
from world import DATE, World

SMALL = "max_rows_per_file: 1"


@pytest.fixture(params=["parquet-disk", "parquet-s3", "delta-disk", "delta-s3"])
def table(request, tmp_path, deltars) -> World:
    """A world whose table has several dates, each cut into a file per row."""
    kind, place = request.param.split("-")
    s3 = request.getfixturevalue("s3") if place == "s3" else None
    made = DeltaWorld(tmp_path, deltars, s3=s3) if kind == "delta" else World(tmp_path, s3=s3)
    clicks(made.events)
    output = f"partition_by: [feature_date], {SMALL}"
    made.pipeline(output=f"format: delta, {output}" if kind == "delta" else output)
    made.backfill("2026-03-03", "2026-03-05")
    return made


def upkeep(world: World, name: str, *flags: object, **keywords) -> dict:
    return call_json("table", name, world.place, *flags, env=world.env, **keywords)


def rows_of(world: World, date: str) -> list[dict]:
    return sorted(world.table(date).to_pylist(), key=lambda row: row["user_id"])


def test_optimize_keeps_the_rows_in_fewer_files(table):
    before = {date: rows_of(table, date) for date in ("2026-03-03", DATE, "2026-03-05")}
    assert len(before[DATE]) > 3
    report = upkeep(table, "optimize", "--where", f"feature_date = '{DATE}'")
    (done,) = report["partitions"]
    assert (done["status"], done["files_before"], done["files_after"]) == ("done", len(before[DATE]), 1)
    assert done["rows"] == len(before[DATE])
    assert {date: rows_of(table, date) for date in before} == before
    assert table.states("2026-03-03", "2026-03-05") == dict.fromkeys(before, "done")
    again = upkeep(table, "optimize", "--where", f"feature_date = '{DATE}'")
    assert [p["status"] for p in again["partitions"]] == ["skipped"]


def test_optimize_orders_rows(table):
    before = rows_of(table, DATE)
    report = upkeep(table, "optimize", "--cluster-by", "sort(total, user_id)")
    assert [p["status"] for p in report["partitions"]] == ["done"] * 3
    assert rows_of(table, DATE) == before
    totals = [row["total"] for row in table.table(DATE).to_pylist()]
    assert totals == sorted(totals, key=lambda t: (t is not None, t))


def test_a_dry_run_rewrites_nothing(table):
    before = table.table(DATE)
    report = upkeep(table, "optimize", "--dry-run")
    assert [p["status"] for p in report["partitions"]] == ["planned"] * 3
    assert table.table(DATE) == before


def test_a_date_can_be_run_after_it_was_optimized(table):
    before = rows_of(table, DATE)
    upkeep(table, "optimize")
    assert table.report()["status"] == "done"
    assert rows_of(table, DATE) == before


def test_inspect_sees_tiny_files_and_what_readers_skip(table):
    report = upkeep(table, "inspect", "--column", "user_id")
    assert report["format"] == ("delta" if isinstance(table, DeltaWorld) else "parquet")
    assert report["partition_columns"] == ["feature_date"]
    assert (report["partitions"], report["files"]) == (3, report["rows"])
    assert report["tiny_files"] == report["files"]
    assert any("optimize" in advice for advice in report["advice"])
    (column,) = report["columns"]
    assert 0.5 < column["skipped"] < 1, "files of one row each are all skipped but one"
    upkeep(table, "optimize")
    after = upkeep(table, "inspect")
    assert (after["rows"], after["files"], after["tiny_files"]) == (report["rows"], 3, 0)
    assert [c["skipped"] for c in after["columns"]] == [0] * len(after["columns"])


def test_inspect_names_a_column_that_is_not_there(table):
    done = call("table", "inspect", table.place, "--column", "none", expect=2, env=table.env)
    assert "no column 'none'" in done.stderr


def test_history_tells_runs_and_versions(table):
    upkeep(table, "optimize")
    history = upkeep(table, "history")
    assert [run["command"] for run in history["runs"]] == ["backfill"]
    if not isinstance(table, DeltaWorld):
        return
    operations = [version["operation"] for version in history["versions"]]
    assert operations == ["WRITE"] * 3 + ["OPTIMIZE"] * 3
    assert history["versions"][-1]["files_added"] == 1


def test_vacuum_removes_what_no_version_needs(table):
    assert upkeep(table, "vacuum")["leftovers"] == []
    upkeep(table, "optimize")
    rows = rows_of(table, DATE)
    found = upkeep(table, "vacuum", "--retention", "0h")["leftovers"]
    is_delta = isinstance(table, DeltaWorld)
    assert bool(found) == is_delta, "only Delta keeps files of older versions"
    assert {leftover["kind"] for leftover in found} <= {"unused file"}
    if is_delta:
        refused = call("table", "vacuum", table.place, "--retention", "0h", "--apply", expect=2, env=table.env)
        assert "--force" in refused.stderr
    upkeep(table, "vacuum", "--retention", "0h", "--apply", "--force")
    assert upkeep(table, "vacuum", "--retention", "0h")["leftovers"] == []
    assert rows_of(table, DATE) == rows
    assert len(list(table.out.rglob("feature_date=*/*.parquet"))) == 3


def test_vacuum_keeps_what_is_young(table):
    upkeep(table, "optimize")
    assert upkeep(table, "vacuum", "--apply")["leftovers"] == []


def test_optimize_leaves_deleted_rows_out(disk_delta, spark):
    disk_delta.run()
    out = disk_delta.out
    spark.sql(
        f"ALTER TABLE delta.`{out}` SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        f"DELETE FROM delta.`{out}` WHERE user_id = 'u1'",
    )
    inspected = upkeep(disk_delta, "inspect")
    assert inspected["deleted_rows"] == 1
    report = upkeep(disk_delta, "optimize")
    assert [p["status"] for p in report["partitions"]] == ["done"]
    users = pa.array(sorted(row["user_id"] for row in disk_delta.rows()))
    assert "u1" not in users.to_pylist() and len(users) == inspected["rows"] - 1
    assert upkeep(disk_delta, "inspect")["deleted_rows"] == 0


def test_a_folder_without_a_table_is_an_error(tmp_path):
    for name in ("history", "vacuum", "optimize"):
        done = call("table", name, tmp_path, expect=1)
        assert "no table with a ledger" in done.stderr
    assert "there is no table" in call("table", "inspect", tmp_path / "none", expect=1).stderr
