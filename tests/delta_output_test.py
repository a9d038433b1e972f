"""Delta tables as an output: one commit a date, exact replacement, schemas, properties, transactions, checkpoints."""

import datetime as dt
import json
import os
import re
import subprocess
import time

import oracle
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from delta_world import FEATURES
from oracle.compare import assert_equal
from sources import write_file
from tidemill_command import arguments
from world import DATE

COUNTRIES = ("SE", "DE", None, "a/b=c d%")
MANY = pa.schema([("user_id", pa.int64()), ("country", pa.string()), ("value", pa.float64())])

# What an expression's type may be called.
TYPES = {
    "count(*)": ("long", "bigint", "int64"),
    "max(kind)": ("string", "text", "varchar"),
    "sum(value)": ("double",),
    "max(at)": ("timestamp",),
}


def restrict(world, condition: str) -> None:
    """The pipeline reads only events for which it holds."""
    text = world.file.read_text().replace("event_time: at", f'event_time: at, where: "{condition}"')
    world.file.write_text(text)


def test_a_date_is_one_commit(delta):
    delta.run(date="2026-03-03")
    assert delta.log.versions() == [0]
    before = delta.log.live()
    delta.run(date="2026-03-04")
    assert delta.log.versions() == [0, 1]
    assert delta.log.actions("remove", 1) == []
    assert delta.log.live().items() > before.items()
    for date in ("2026-03-03", "2026-03-04"):
        want, entity = oracle.features(str(delta.file), date, {k: str(v) for k, v in delta.sets.items()})
        assert_equal(delta.table(date), want, entity)
    assert delta.files_of_nobody() == []


def test_the_first_commit_makes_the_table(delta):
    delta.run()
    log = delta.log
    assert log.metadata["partitionColumns"] == ["feature_date"]
    columns = log.columns()
    assert [name for name in columns if name != "feature_date"] == ["user_id", "events", "clicks", "total"]
    types = {name: column["type"] for name, column in columns.items()}
    assert types == {"user_id": "string", "events": "long", "clicks": "long", "total": "double", "feature_date": "date"}
    assert all(c["nullable"] for name, c in columns.items() if name not in ("user_id", "feature_date"))
    for add in log.live().values():
        assert add["partitionValues"] == {"feature_date": DATE}
        assert add["size"] == log.file_of(add).stat().st_size
        assert add["dataChange"] is True
    (info,) = log.actions("commitInfo", 0)
    assert info["timestamp"] > 0 and info["operation"]


def test_running_again_is_one_commit_and_the_same_rows(delta):
    delta.run(date="2026-03-03")
    delta.run()
    rows = delta.rows(date=None)
    before = delta.log.live()
    report = delta.report()
    version = delta.log.version
    assert version == 2
    assert delta.rows(date=None) == rows
    removed = {gone["path"] for gone in delta.log.actions("remove", version)}
    assert removed == {path for path, add in before.items() if add["partitionValues"]["feature_date"] == DATE}
    assert not removed & {add["path"] for add in delta.log.actions("add", version)}, "a path was used again"
    assert sum(file["rows"] for file in report["files"]) == len(delta.rows())


def test_report_names_the_files_of_the_commit(delta):
    report = delta.report()
    added = {add["path"]: add for add in delta.log.actions("add", 0)}
    assert sorted(file["path"] for file in report["files"]) == sorted(added)
    for file in report["files"]:
        assert file["bytes"] == added[file["path"]]["size"]
        assert file["rows"] == json.loads(added[file["path"]]["stats"])["numRecords"]
    assert report["status"] == "done" and report["rows_written"] == len(delta.rows())
    assert delta.states() == {DATE: "done"}


def test_an_empty_result_removes_the_rows_of_the_date_alone(delta):
    delta.run(date="2026-03-03")
    delta.run()
    kept = delta.rows("2026-03-03")
    restrict(delta, "kind = 'nothing'")
    report = delta.report()
    assert report["status"] == "empty" and report["rows_written"] == 0
    assert delta.log.version == 2
    assert delta.log.actions("add", 2) == [] and len(delta.log.actions("remove", 2)) == 1
    assert delta.rows() == [] and delta.rows("2026-03-03") == kept
    delta.pipeline()
    assert delta.report()["status"] == "done"
    assert delta.rows()


def test_a_first_result_may_be_empty(disk_delta):
    restrict(disk_delta, "kind = 'nothing'")
    assert disk_delta.report()["status"] == "empty"
    assert disk_delta.log.version == 0 and disk_delta.rows(date=None) == []
    disk_delta.pipeline()
    disk_delta.run()
    assert disk_delta.rows()


def test_a_value_that_delta_cannot_hold_names_its_feature(disk_delta):
    schema = pa.schema([("user_id", pa.string()), ("fine", pa.timestamp("ns"))])
    for nanoseconds, code in ((1_000, 0), (1_001, 1)):
        rows = pa.table({"user_id": ["u1"], "fine": pa.array([nanoseconds], pa.int64()).cast(pa.timestamp("ns"))}, schema=schema)
        place = disk_delta.events / f"event_date={DATE}/part-0.parquet"
        pq.write_table(rows, place)
        disk_delta.pipeline(source="day: event_date", features="latest: max(fine)", window="1d")
        done = disk_delta.run(expect=code)
        assert ("column 'latest'" in done.stderr) == (code == 1), done.stderr


def test_a_backfill_commits_each_date(delta):
    report = delta.backfill("2026-03-01", "2026-03-05")
    assert [d["status"] for d in report["dates"]] == ["done"] * 5
    assert delta.log.versions() == [0, 1, 2, 3, 4]
    for version in range(5):
        dates = {add["partitionValues"]["feature_date"] for add in delta.log.actions("add", version)}
        assert len(dates) == 1
    together = delta.rows(date=None)
    for date in ("2026-03-04", "2026-03-02"):
        delta.run(date=date)
    assert delta.rows(date=None) == together


def test_a_failed_audit_commits_nothing(delta):
    delta.pipeline(checks="output:\n  - max(events) <= ${MOST:-1000}")
    delta.run()
    delta.fails(4, "max(events)", env={"MOST": "3"})
    assert delta.files_of_nobody() == []
    delta.pipeline(checks="input:\n  - row_count > 1000")
    delta.fails(3, "row_count")
    assert delta.files_of_nobody() == []


def test_a_failed_first_run_leaves_no_table(delta):
    delta.pipeline(checks="output:\n  - max(events) <= 3")
    delta.fails(4, "max(events)")
    assert delta.log.version == -1 and delta.files_of_nobody() == []


def test_a_correction_of_an_older_date_is_not_ignored(delta):
    delta.backfill("2026-03-01", "2026-03-05")
    file = delta.events / "event_date=2026-03-02/part-0.parquet"
    pq.write_table(pq.ParquetFile(file).read().slice(0, 10), file)
    delta.run(date="2026-03-02")
    assert sum(row["events"] for row in delta.rows("2026-03-02")) == 40 + 10
    assert delta.states("2026-03-01", "2026-03-05") == {
        "2026-03-01": "done",
        "2026-03-02": "done",
        "2026-03-03": "stale",
        "2026-03-04": "stale",
        "2026-03-05": "done",
    }


def test_a_new_feature_is_a_nullable_column(delta):
    delta.run(date="2026-03-03")
    old = delta.rows("2026-03-03")
    delta.pipeline(features=FEATURES + "\nkinds: count(distinct kind)\nfirst_at: min(at)")
    delta.run()
    assert delta.log.version == 1
    columns = delta.log.columns()
    assert columns["kinds"]["nullable"] and columns["kinds"]["type"] == "long" and "first_at" in columns
    assert {row["kinds"] for row in delta.rows()} == {3}
    assert all(row["first_at"] is not None for row in delta.rows())
    without = [{k: v for k, v in row.items() if k not in ("kinds", "first_at")} for row in delta.rows("2026-03-03")]
    assert without == old
    assert {(row["kinds"], row["first_at"]) for row in delta.rows("2026-03-03")} == {(None, None)}
    delta.run(date="2026-03-03")
    assert {row["kinds"] for row in delta.rows("2026-03-03")} == {3}


@pytest.mark.parametrize(
    "before, after",
    [("count(*)", "max(kind)"), ("max(kind)", "count(*)"), ("sum(value)", "max(at)")],
)
def test_another_type_is_refused(disk_delta, before, after):
    disk_delta.pipeline(features=f"events: count(*)\nx: {before}")
    disk_delta.run()
    disk_delta.pipeline(features=f"events: count(*)\nx: {after}")
    version = disk_delta.log.version
    for date in (DATE, "2026-03-03"):
        done = disk_delta.run(date=date, expect=None)
        assert done.returncode in (1, 2)
        for expression in (before, after):
            assert any(word in done.stderr for word in TYPES[expression]), done.stderr
    assert disk_delta.log.version == version
    assert disk_delta.files_of_nobody() == []
    assert len(disk_delta.rows()) == 7


def test_other_partition_columns_than_the_tables_are_refused(disk_delta):
    disk_delta.run()
    rows = disk_delta.rows()
    disk_delta.pipeline(output="format: delta, partition_by: [feature_date, 'bucket(4, user_id)']")
    done = disk_delta.run(expect=None)
    assert done.returncode in (1, 2) and "feature_date" in done.stderr
    assert disk_delta.log.version == 0 and disk_delta.rows() == rows


def test_what_others_made_and_set_is_kept(delta):
    """delta-rs makes the table, with rows of another date and with properties."""
    settings = {
        "delta.checkpointInterval": "3",
        "delta.logRetentionDuration": "interval 60 days",
        "delta.dataSkippingNumIndexedCols": "2",
    }
    other = pa.table(
        {
            "user_id": ["x", "y"],
            "events": pa.array([1, 2], pa.int64()),
            "clicks": pa.array([0, 1], pa.int64()),
            "total": [0.5, None],
            "feature_date": pa.array([dt.date(2026, 2, 1)] * 2),
        }
    )
    options = {**delta.env, "AWS_ALLOW_HTTP": "true"} if delta.s3 else None
    delta.deltars.write(delta.place, other, partition_by=["feature_date"], configuration=settings, options=options)
    kept = delta.log.configuration
    assert kept.items() >= settings.items()
    table_id = delta.log.metadata["id"]
    delta.run()
    delta.pipeline(features=FEATURES + "\nkinds: count(distinct kind)")
    delta.run()
    assert delta.log.version == 2
    assert delta.log.configuration == kept and delta.log.metadata["id"] == table_id
    assert {row["user_id"]: row["total"] for row in delta.rows("2026-02-01")} == {"x": 0.5, "y": None}
    assert len(delta.rows()) == 7
    for add in delta.log.actions("add", 2):
        assert len(json.loads(add["stats"])["nullCount"]) <= 2, "dataSkippingNumIndexedCols is not kept to"


def test_checkpoints_come_at_the_interval_of_the_table(delta):
    delta.run()
    delta.commit({"metaData": delta.log.metadata | {"configuration": {"delta.checkpointInterval": "3"}}})
    for _ in range(6):
        delta.run()
    assert delta.log.version == 7
    first, last = sorted(int(p.name.split(".")[0]) for p in delta.log.folder.glob("*.checkpoint*.parquet"))
    assert last - first == 3
    assert json.loads((delta.log.folder / "_last_checkpoint").read_text())["version"] == last
    rows = delta.rows(date=None)
    for version in range(last):
        (delta.log.folder / f"{version:020}.json").unlink()
    assert delta.rows(date=None) == rows
    delta.run(date="2026-03-03")
    assert delta.rows(DATE) == [row for row in rows if str(row["feature_date"]) == DATE]
    assert delta.log.version == 8 and delta.rows("2026-03-03")


def test_a_checkpoint_keeps_transactions_of_others(disk_delta):
    disk_delta.run()
    info = disk_delta.log.metadata | {"configuration": {"delta.checkpointInterval": "3"}}
    disk_delta.commit({"metaData": info}, {"txn": {"appId": "stream", "version": 41, "lastUpdated": 1}})
    for _ in range(3):
        disk_delta.run()
    checkpoint = next(disk_delta.log.folder.glob("*.checkpoint*.parquet"))
    transactions = [t for t in pq.ParquetFile(checkpoint).read()["txn"].to_pylist() if t]
    assert ("stream", 41) in {(t["appId"], t["version"]) for t in transactions}
    assert {t["appId"] for t in transactions} >= set(disk_delta.log.transactions(0))


def test_transactions_name_pipeline_and_date_and_each_attempt(delta):
    for date in ("2026-03-03", DATE, DATE):
        delta.run(date=date)
    first, second, third = (delta.log.transactions(version) for version in range(3))
    assert first and second.keys() == third.keys() and first.keys() != second.keys()
    for (app, version), date in ((list(first.items())[0], "2026-03-03"), (list(second.items())[0], DATE)):
        assert "small" in app and date in app
    assert third != second, "an attempt is taken for the one before it"


def test_partitions_of_more_columns(delta):
    rows = [{"user_id": n * 7919 % 4000, "country": COUNTRIES[n % 4], "value": n / 7} for n in range(4000)]
    write_file(delta.events / f"event_date={DATE}/part-0.parquet", rows, MANY)
    parts = {
        "source": "day: event_date",
        "entity": "[user_id, country]",
        "window": "1d",
        "more": "null_entity: keep",
        "features": "n: count(*)\ntotal: sum(value)",
        "output": "format: delta, partition_by: [feature_date, country, 'bucket(4, user_id)']",
    }
    for day in ("01", "02", "03", "05"):
        (delta.events / f"event_date=2026-03-{day}/part-0.parquet").unlink()
    write_file(delta.events / "event_date=2026-03-03/part-0.parquet", rows[:100], MANY)
    delta.pipeline(**parts)
    delta.run(date="2026-03-03")
    delta.run()
    log = delta.log
    names = log.metadata["partitionColumns"]
    assert names[:2] == ["feature_date", "country"] and len(names) == 3
    live = log.live().values()
    assert {add["partitionValues"]["country"] for add in live} == set(COUNTRIES)
    assert {add["partitionValues"][names[2]] for add in live} == {"0", "1", "2", "3"}
    assert all(log.file_of(add).exists() for add in live)
    counts = "count(*), sum(n), count(DISTINCT user_id)"
    by_country = f"SELECT country, {counts} FROM t WHERE feature_date = '{DATE}' GROUP BY 1"
    assert sorted(delta.query(by_country), key=repr) == sorted(((c, 1000, 1000, 1000) for c in COUNTRIES), key=repr)
    assert sorted(row["user_id"] for row in delta.rows("2026-03-03")) == sorted(row["user_id"] for row in rows[:100])
    before = log.live()
    delta.pipeline(**{**parts, "source": "day: event_date, where: \"country = 'SE'\""})
    delta.run()
    assert delta.query("SELECT DISTINCT country FROM t WHERE feature_date = '2026-03-04'") == [("SE",)]
    others = {path for path, add in before.items() if add["partitionValues"]["feature_date"] == "2026-03-03"}
    assert others and others <= delta.log.live().keys()


def test_writers_of_different_dates_all_succeed(delta):
    dates = [f"2026-03-{day:02}" for day in range(1, 7)]
    running = start_all(delta, dates)
    ended = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert [code for _, code in ended] == [0] * 6, ended
    assert delta.log.version == 5
    together = delta.rows(date=None)
    for date in dates:
        delta.run(date=date)
    assert delta.rows(date=None) == together


def test_writers_of_one_date_leave_one_result(delta):
    delta.run()
    rows = delta.rows(date=None)
    for _ in range(3):
        before = delta.log.version
        running = start_all(delta, [DATE] * 4)
        ended = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
        codes = [code for _, code in ended]
        assert 0 in codes and set(codes) <= {0, 5}, ended
        assert all(DATE in stderr for stderr, code in ended if code == 5), ended
        assert delta.log.version == before + codes.count(0)
        assert delta.rows(date=None) == rows
        assert delta.files_of_nobody() == []
    assert delta.states() == {DATE: "done"}


def start_all(world, dates: list[str]) -> list[subprocess.Popen]:
    commands = [arguments("run", world.file, "--date", date, "--quiet", sets=world.sets) for date in dates]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return [subprocess.Popen(command, env=os.environ | world.env, **pipes) for command in commands]


@pytest.mark.parametrize("date", ["2026-02-01", DATE])
def test_somebody_elses_commit_while_a_run_goes_on(disk_delta, flaky_reads, date):
    """Rows of another date stay. Of the date itself, the run fails, or replaces them as what was there before it."""
    disk_delta.run()
    rows = disk_delta.rows()
    stall = disk_delta.folder / "stall"
    stall.touch()
    environment = os.environ | flaky_reads(disk_delta.events, **{"while": stall})
    command = arguments("run", disk_delta.file, "--date", DATE, sets=disk_delta.sets)
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(stall.with_name("stall.reached").exists, "a read that hangs")
        day = dt.date.fromisoformat(date)
        other = {"user_id": ["x"], "events": [1], "clicks": [0], "total": [0.0], "feature_date": [day]}
        disk_delta.deltars.write(disk_delta.out, pa.table(other))
    finally:
        stall.unlink()
    stderr = process.communicate(timeout=60)[1]
    if date != DATE:
        assert process.returncode == 0, stderr
        assert len(disk_delta.rows(date)) == 1 and disk_delta.rows() == rows
    elif process.returncode == 0:
        assert disk_delta.rows() == rows
    else:
        assert process.returncode == 5 and DATE in stderr
        assert len(disk_delta.rows()) == len(rows) + 1
    assert disk_delta.files_of_nobody() == []


def wait_for(condition, what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.002)


def test_an_unknown_writer_feature_is_named(disk_delta):
    disk_delta.run()
    protocol = {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["appendOnly", "madeUpFeature"]}
    disk_delta.commit({"protocol": protocol})
    done = disk_delta.run(expect=None)
    assert done.returncode in (1, 2) and "madeUpFeature" in done.stderr
    assert disk_delta.log.version == 1 and disk_delta.files_of_nobody() == []


def test_an_append_only_table_is_not_overwritten(disk_delta):
    disk_delta.run()
    info = disk_delta.log.metadata | {"configuration": {"delta.appendOnly": "true"}}
    disk_delta.commit({"metaData": info})
    done = disk_delta.run(expect=None)
    assert done.returncode in (1, 2) and re.search("append.?only", done.stderr, re.I)
    assert disk_delta.log.version == 1


def test_a_folder_of_parquet_is_no_delta_table(disk_delta):
    """The format of the output is what the file says; a table of the other format is not written over."""
    disk_delta.pipeline(output="format: parquet, partition_by: [feature_date]")
    disk_delta.run()
    disk_delta.pipeline()
    done = disk_delta.run(expect=None)
    assert done.returncode in (1, 2) and str(disk_delta.out) in done.stderr
    assert disk_delta.log.version == -1
