"""What is put right, and what must not be touched, when Delta tables were left half done or are laid out by others."""

import json
import shutil

import pyarrow as pa
import pytest
from tidemill_command import call, call_json
from world import DATE


def intent_of(world, date: str = DATE) -> dict:
    """The intent that a run leaves if it dies after its commit: what the commit itself says."""
    info = [action for action in world.log.actions("commitInfo") if "tidemill" in action][-1]
    txn = [action for action in world.log.actions("txn")][-1]
    entry = info["tidemill"]
    run = entry["published"]["run_id"]
    return {
        "format": 1,
        "run_id": run,
        "staged": "",
        "staged_inode": 0,
        "process": "",
        "app_id": txn["appId"],
        "entry": entry,
    }


def put_intent(world, intent: dict) -> None:
    (world.out / f"_tidemill/pending/{DATE}.json").write_text(json.dumps(intent))


def test_vacuum_finishes_a_publication_that_was_committed(disk_delta):
    disk_delta.run()
    rows = disk_delta.rows()
    put_intent(disk_delta, intent_of(disk_delta))
    (disk_delta.out / f"_tidemill/dates/{DATE}.json").unlink()
    call("table", "vacuum", disk_delta.place, "--apply")
    assert disk_delta.rows() == rows
    assert disk_delta.states() == {DATE: "done"}
    assert list((disk_delta.out / "_tidemill/pending").iterdir()) == []


def test_another_pipeline_finishes_a_publication_that_was_committed(disk_delta):
    disk_delta.run()
    rows = disk_delta.rows()
    put_intent(disk_delta, intent_of(disk_delta))
    text = disk_delta.file.read_text().replace("pipeline: small", "pipeline: other")
    disk_delta.file.write_text(text)
    disk_delta.run(date="2026-03-03")
    assert disk_delta.rows() == rows


def test_files_that_the_table_names_are_never_orphans(disk_delta):
    """Transaction ids expire; the files themselves are proof."""
    disk_delta.run()
    rows = disk_delta.rows()
    put_intent(disk_delta, {**intent_of(disk_delta), "app_id": "nobody"})
    call("table", "vacuum", disk_delta.place, "--apply")
    assert disk_delta.rows() == rows


def test_files_of_a_publication_that_was_not_committed_are_removed(disk_delta):
    disk_delta.run()
    rows = disk_delta.rows()
    intent = intent_of(disk_delta)
    run = intent["run_id"]
    other = run[:-8] + "deadbeef"
    text = json.dumps(intent).replace(run, other)
    dead = json.loads(text)
    dead["entry"]["published"]["transaction"] += 1
    for file in dead["entry"]["published"]["files"]:
        live = disk_delta.out / file["path"].replace(other, run)
        shutil.copy(live, disk_delta.out / file["path"])
    put_intent(disk_delta, dead)
    assert disk_delta.files_of_nobody() != []
    call("table", "vacuum", disk_delta.place, "--apply")
    assert disk_delta.files_of_nobody() == [] and disk_delta.rows() == rows


def merge(world, **parts: str) -> None:
    world.pipeline(output="format: delta, mode: merge", **parts)


def keep_events_of(world, *users: str) -> None:
    """The source forgets all other users."""
    condition = " or ".join(f"user_id = '{user}'" for user in users)
    text = world.file.read_text().replace("day: event_date", f'where: "{condition}", day: event_date')
    world.file.write_text(text)


def test_a_merge_keeps_columns_that_it_does_not_know(delta):
    merge(delta, features="events: count(*)\n total: sum(value)")
    delta.run()
    before = {row["user_id"]: row for row in delta.rows()}
    assert all(row["total"] is not None for row in before.values())
    merge(delta, features="events: count(*)")
    keep_events_of(delta, "u0")
    delta.run()
    after = {row["user_id"]: row for row in delta.rows()}
    assert after.keys() == before.keys()
    assert after.pop("u0")["total"] is None
    del before["u0"]
    assert after == before


def test_a_backfill_merges_into_a_table_that_is_new(delta):
    """All dates are planned on a table that the first of them creates."""
    merge(delta)
    report = delta.backfill("2026-03-01", "2026-03-05")
    assert {date["status"] for date in report["dates"]} == {"done"}
    assert len({row["feature_date"] for row in delta.rows(date=None)}) == 5


def test_a_backfill_merges_a_new_feature(delta):
    merge(delta, features="events: count(*)")
    delta.backfill("2026-03-01", "2026-03-05")
    merge(delta, features="events: count(*)\n total: sum(value)")
    keep_events_of(delta, "u0", "u1")
    report = delta.backfill("2026-03-01", "2026-03-05")
    assert {date["status"] for date in report["dates"]} == {"done"}
    assert delta.files_of_nobody() == [] or delta.s3


def test_a_merge_keeps_the_date_of_rows_in_odd_folders(disk_delta):
    """Folders of a Delta table mean nothing; only the log tells where a file belongs."""
    merge(disk_delta)
    disk_delta.run()
    before = {row["user_id"]: row for row in disk_delta.rows()}
    (live,) = disk_delta.log.live().values()
    (disk_delta.out / "Xy").mkdir()
    shutil.move(disk_delta.log.file_of(live), disk_delta.out / "Xy/part.parquet")
    for file in disk_delta.log.folder.glob("*.json"):
        file.write_text(file.read_text().replace(json.dumps(live["path"]), '"Xy/part.parquet"'))
    assert len(disk_delta.rows()) == len(before)
    keep_events_of(disk_delta, "u0")
    disk_delta.run()
    after = {row["user_id"]: row for row in disk_delta.rows()}
    assert after.keys() == before.keys()


@pytest.mark.parametrize("column", [[None, "NULL"], ["NULL", None]])
def test_optimize_does_not_mix_null_with_its_name(tmp_path, deltars, column):
    table = tmp_path / "table"
    for start in range(4):
        ids = pa.array(range(start * 2, start * 2 + 2))
        deltars.write(table, pa.table({"id": ids, "p": pa.array(column)}), partition_by=["p"], mode="append")
    query = "SELECT id, p FROM t ORDER BY id"
    before = deltars.read(table, sql=query)
    report = call_json("table", "optimize", table)
    assert [p["status"] for p in report["partitions"]] == ["done", "done"]
    assert deltars.read(table, sql=query) == before
