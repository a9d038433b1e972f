"""What a run gives back: rows, report, exit code; and that it is the same however it ran."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import oracle
import pyarrow.parquet as pq
import pytest
from oracle.compare import assert_equal
from tidemill_command import arguments, call, call_json, data_files, fingerprint, hidden_files, published

DATE = "2026-03-04"


def test_publishes_what_the_oracle_computes(world):
    world.run()
    want, entity = oracle.features(str(world.file), DATE, {k: str(v) for k, v in world.sets.items()})
    assert_equal(world.table(), want, entity)


def test_report(world):
    report = world.report()
    assert report["pipeline"] == "small"
    assert report["feature_date"] == DATE
    assert report["status"] == "done"
    assert report["rows_read"] == 3 * 40
    assert report["rows_dropped"] == 0
    assert report["rows_filtered"] == 0
    assert report["rows_written"] == report["entities"] == len(world.rows())
    assert report["features"] == 4
    assert report["days_read"] == report["files_read"] == 3
    assert report["bytes_read"] > 0 and report["bytes_written"] > 0
    assert report["warnings"] == []
    assert report["checks"] == []
    assert len(report["run_id"]) > 8
    assert report["seconds"]["total"] > 0


def test_report_names_the_files(world):
    files = world.report()["files"]
    assert [file["path"] for file in files] == sorted(fingerprint(world.out))
    assert sum(file["rows"] for file in files) == len(world.rows())
    for file in files:
        assert file["bytes"] == (world.out / file["path"]).stat().st_size
        assert file["hash"]


def test_report_counts_rows_that_do_not_take_part(world):
    world.pipeline(source="""day: event_date, where: "kind <> 'view'" """, entity="value", features="n: count(*)")
    report = world.report()
    # Of 40 rows a day, 14 are views and every fifth row has no value.
    assert report["rows_read"] == 120
    assert report["rows_filtered"] == 3 * 14
    assert report["rows_dropped"] == 3 * 5
    assert sum(row["n"] for row in world.rows()) == 120 - 42 - 15


def test_json_is_one_document_and_the_rest_is_silent(world):
    done = world.run("--json")
    json.loads(done.stdout)
    assert "\r" not in done.stderr and "\x1b" not in done.stderr


def test_quiet_says_nothing(world):
    done = world.run("--quiet")
    assert done.stdout == "" and done.stderr == ""


def test_failed_run_with_json_still_prints_a_report(world):
    world.pipeline(checks="input:\n  - row_count > 1000")
    done = world.run("--json", expect=3)
    report = json.loads(done.stdout)
    assert report["status"] == "failed"
    assert report["error"]["code"] == 3 and "row_count" in json.dumps(report["error"])


def test_rows_are_in_entity_order(world):
    world.run()
    users = [row["user_id"] for row in world.rows()]
    assert users == sorted(users) and len(users) == len(set(users))


@pytest.mark.parametrize("flags", [["--threads", 1], ["--threads", 2], ["--threads", 7], ["--memory", "64MB"]])
def test_same_bytes_however_it_ran(world, flags):
    world.run()
    first = fingerprint(world.out)
    world.run(*flags)
    assert first and fingerprint(world.out) == first


def test_same_bytes_from_the_same_rows_in_other_files(world, tmp_path):
    world.run()
    first = fingerprint(world.out)
    for folder in sorted(world.events.iterdir()):
        table = pq.ParquetFile(folder / "part-0.parquet").read()
        (folder / "part-0.parquet").unlink()
        backwards = table.take(list(range(table.num_rows))[::-1])
        pq.write_table(backwards.slice(0, 13), folder / "zz.parquet", compression="none")
        pq.write_table(backwards.slice(13), folder / "aa.parquet", row_group_size=5, use_dictionary=False)
    world.run()
    assert fingerprint(world.out) == first


def test_run_timestamp_changes_and_hash_does_not(world):
    world.pipeline(features="n: count(*)\nwhen: run_timestamp()")
    first = world.report()
    before = world.rows()
    time.sleep(0.01)
    second = world.report()
    assert before[0]["when"] < world.rows()[0]["when"]
    assert [f["hash"] for f in first["files"]] == [f["hash"] for f in second["files"]]


def test_only_the_date_is_replaced(world):
    world.run(date="2026-03-03")
    before = fingerprint(world.out)
    world.run(date="2026-03-04")
    after = fingerprint(world.out)
    assert before.items() < after.items()


def test_output_is_relative_to_the_file(world):
    text = world.file.read_text().replace("${EVENTS}", "events").replace("${OUT}", "features/small")
    world.file.write_text(text)
    call("run", world.file, "--date", DATE, cwd=Path("/"))
    assert published(world.folder / "features/small", DATE).num_rows > 0


def test_names_come_from_flags_then_environment_then_defaults(world):
    text = world.file.read_text().replace("window: 3d", "window: ${LENGTH:-1d}")
    world.file.write_text(text)
    assert world.report()["days_read"] == 1
    assert world.report(env={"LENGTH": "2d"})["days_read"] == 2
    assert world.report("--set", "LENGTH=3d", env={"LENGTH": "2d"})["days_read"] == 3


def test_unset_name_exits_2(world):
    stderr = call("run", world.file, "--date", DATE, sets={"OUT": world.out}, expect=2).stderr
    assert "EVENTS" in stderr and "pipeline.yaml:2" in stderr


@pytest.mark.parametrize(
    "args",
    [
        ["run"],
        ["run", "FILE"],
        ["run", "FILE", "--date", "2026-02-30"],
        ["run", "FILE", "--date", "2026-3-4"],
        ["run", "FILE", "--date", "yesterday"],
        ["run", "FILE", "--date", "2026-03-04T10"],
        ["run", "no-such-file.yaml", "--date", DATE],
        ["run", "FILE", "--date", DATE, "--frobnicate"],
        ["run", "FILE", "--date", DATE, "--threads", "-1"],
        ["run", "FILE", "--date", DATE, "--threads", "many"],
        ["run", "FILE", "--date", DATE, "--memory", "lots"],
        ["run", "FILE", "--date", DATE, "--set", "no-equals-sign"],
        ["dance"],
        [],
    ],
)
def test_wrong_commands_exit_2(world, args):
    done = call(*[world.file if arg == "FILE" else arg for arg in args], env={"EVENTS": str(world.events), "OUT": str(world.out)}, expect=2)
    assert done.stderr.strip(), "no message"
    assert not world.out.exists()


def large_source(world, days: int, events: int) -> None:
    size = ["--days", days, "--events-per-day", events, "--entities", 20_000, "--seed", 1]
    call("generate", "events", world.folder / "large", *size, "--start", "2026-03-01")
    world.file.write_text(world.file.read_text().replace("${EVENTS}", str(world.folder / "large")))


def test_interrupt_exits_130_and_leaves_nothing(world):
    features = "n: count(*)\ns: count(distinct session_id)\nv: sum(value)\nt: max(timestamp)"
    world.pipeline(source="day: event_date, event_time: timestamp", window="8d", features=features)
    large_source(world, 8, 100_000)
    world.run(date="2026-03-08")
    before = fingerprint(world.out)
    codes = []
    for attempt in range(40):
        command = arguments("run", world.file, "--date", "2026-03-08", "--threads", 1, sets=world.sets)
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(0.02 * (attempt % 16 + 1))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        codes.append(process.returncode)
        assert process.returncode in (0, 130, -signal.SIGINT), process.returncode  # the last: before main began
        assert fingerprint(world.out) == before
        assert hidden_files(world.out) == []
        if attempt >= 5 and 130 in codes:
            break
    assert 130 in codes, codes


def test_same_bytes_with_tiles_on_disk(world):
    features = "n: count(*)\ns: count(distinct product_category)\nv: sum(value)\nt: max(event_type)"
    source = "day: event_date, event_time: timestamp"
    world.pipeline(source=source, entity="event_id", window="4d", features=features)
    large_source(world, 4, 100_000)
    world.run()
    before = fingerprint(world.out)
    scratch = world.folder / "scratch"
    scratch.mkdir()
    report = world.report("--memory", "32MB", "--threads", 2, env={"TMPDIR": str(scratch)})
    assert report["spilled_bytes"] > 0
    assert fingerprint(world.out) == before
    assert list(scratch.iterdir()) == [], "spilled tiles were left behind"


def test_kill_leaves_the_old_partition_and_the_next_run_cleans_up(world):
    world.pipeline(source="day: event_date", window="4d", features="n: count(*)\ns: count(distinct session_id)")
    large_source(world, 4, 50_000)
    world.run()
    before = fingerprint(world.out)
    for delay in (0.05, 0.1, 0.15, 0.2, 0.3):
        process = subprocess.Popen(arguments("run", world.file, "--date", DATE, "--quiet", sets=world.sets))
        time.sleep(delay)
        process.kill()
        process.wait()
        assert fingerprint(world.out) == before
    world.run()
    assert fingerprint(world.out) == before
    assert hidden_files(world.out) == []


def test_ledger_is_json_that_readers_do_not_see(world):
    report = world.report()
    ledger = [p for p in (world.out / "_tidemill").rglob("*") if p.is_file() and p.suffix == ".json"]
    documents = [json.loads(p.read_text()) for p in ledger]
    assert any(report["run_id"] in json.dumps(document) for document in documents)
    assert all("_tidemill" not in str(p.relative_to(world.out)) for p in data_files(world.out))


def test_plan_reads_the_ledger(world):
    plan = call_json("plan", world.file, "--start", "2026-03-03", "--end", "2026-03-04", sets=world.sets)
    assert [(d["feature_date"], d["status"]) for d in plan["dates"]] == [("2026-03-03", "missing"), ("2026-03-04", "missing")]
    assert not world.out.exists(), "plan wrote something"
    world.run()
    plan = call_json("plan", world.file, "--start", "2026-03-03", "--end", "2026-03-04", sets=world.sets)
    assert [d["status"] for d in plan["dates"]] == ["missing", "done"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_table_fails(world):
    world.run()
    world.out.chmod(0o500)
    try:
        world.run(expect=1)
    finally:
        world.out.chmod(0o700)
