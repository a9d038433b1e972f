"""Backfills that meet: two at the same time over common dates; and backfills that are stopped half-way."""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from pipelines import write_pipeline
from sources import clicks, day_label
from tidemill_command import arguments, call, call_json, data_files, fingerprint, hidden_files

DAYS = 30
FEATURES = """
  events: count(*)
  kinds: count(distinct kind)
  total: sum(value)
  latest: max(at)
"""


class Race:
    """Thirty days of events, a pipeline of several files a date, and who wrote them: ${WHO} is a feature."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tables = 0
        clicks(self.folder / "events", days=DAYS, users=61, per_day=400)
        self.file = write_pipeline(
            self.folder / "race.yaml",
            window="5d",
            features=FEATURES + "\n  who: \"'${WHO}'\"",
            output="partition_by: [feature_date], max_rows_per_file: 20",
        )
        self.whole = self.new_table()
        call("backfill", self.file, *span(0, 29), sets=self.sets(self.whole, "a"))

    def sets(self, out: Path, who: str) -> dict[str, object]:
        return {"EVENTS": self.folder / "events", "OUT": out, "WHO": who}

    def start(self, out: Path, who: str, first: int, last: int, *flags: object, env: dict | None = None):
        command = arguments("backfill", self.file, *span(first, last), "--json", *flags, sets=self.sets(out, who))
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)

    def new_table(self) -> Path:
        self.tables += 1
        return self.folder / f"out{self.tables}"


def span(first: int, last: int) -> tuple[str, ...]:
    return ("--start", day_label(first), "--end", day_label(last))


@pytest.fixture(scope="module")
def race(tmp_path_factory):
    return Race(tmp_path_factory.mktemp("race"))


def rows(out: Path, what: str) -> list[tuple]:
    with duckdb.connect() as connection:
        hive = "hive_partitioning = true, hive_types = {feature_date: VARCHAR}"
        query = f"SELECT {what} FROM read_parquet('{out}/**/*.parquet', {hive}) ORDER BY ALL"
        return connection.execute(query).fetchall()


def ledger(out: Path) -> dict[str, dict]:
    """{date: what the table's ledger says was published}; nothing is left pending."""
    assert list((out / "_tidemill/pending").iterdir()) == []
    entries = [json.loads(file.read_text()) for file in sorted((out / "_tidemill/dates").iterdir())]
    return {entry["feature_date"]: entry.get("published") for entry in entries}


def published_dates(out: Path) -> set[str]:
    return {folder.name.removeprefix("feature_date=") for folder in out.glob("feature_date=*")}


def assert_files_are_those_of_the_ledger(out: Path) -> None:
    entries = [published for published in ledger(out).values() if published]
    told = [(file["path"], file["bytes"]) for published in entries for file in published["files"]]
    assert told == [(str(f.relative_to(out)), f.stat().st_size) for f in data_files(out)]
    assert hidden_files(out) == []


FEATURE_COLUMNS = "feature_date, user_id, events, kinds, total, latest"
# Of one process and the other: first and last day, flags.
MEETINGS = {
    "same dates": ((0, 29), (0, 29), ()),
    "overlap": ((0, 19), (10, 29), ()),
    "within": ((0, 29), (12, 17), ("--threads", 1)),
    "date by date": ((0, 19), (0, 24), ("--pass-days", 1)),
    "few at a time": ((0, 19), (6, 25), ("--pass-days", 4, "--parallel", 2)),
}


@pytest.mark.parametrize("meeting", MEETINGS)
def test_backfills_that_meet_publish_every_date_once(race, meeting):
    *ranges, flags = MEETINGS[meeting]
    expected = rows(race.whole, FEATURE_COLUMNS)
    deadline = time.monotonic() + 10
    met = False
    rounds = 0
    while rounds < 2 or not met and time.monotonic() < deadline:
        rounds += 1
        out = race.new_table()
        running = [race.start(out, who, *days, *flags) for who, days in zip("ab", ranges)]
        outputs = [process.communicate(timeout=60) for process in running]
        reports = {who: json.loads(stdout) for who, (stdout, _) in zip("ab", outputs)}
        states = {who: {d["feature_date"]: d for d in report["dates"]} for who, report in reports.items()}
        for who, (first, last), process in zip("ab", ranges, running):
            statuses = [d["status"] for d in states[who].values()]
            assert list(states[who]) == [day_label(day) for day in range(first, last + 1)]
            assert set(statuses) <= {"done", "taken"}
            assert process.returncode == (1 if "taken" in statuses else 0)
        assert_one_writer_per_date(out, reports, states)
        touched = {date for dates in states.values() for date in dates}
        assert rows(out, FEATURE_COLUMNS) == [row for row in expected if row[0] in touched]
        met = met or any(d["status"] == "taken" for dates in states.values() for d in dates.values())
    assert met, "the two never met"


def assert_one_writer_per_date(out: Path, reports: dict, states: dict) -> None:
    """Who holds a date has published it; the other says so and names the holder; files are of one run, and it is the
    one that the ledger and the history tell."""
    assert_files_are_those_of_the_ledger(out)
    runs = {report["run_id"]: who for who, report in reports.items()}
    writers = {date: runs[published["run_id"]] for date, published in ledger(out).items()}
    assert dict(rows(out, "DISTINCT feature_date, who")) == writers
    assert len(rows(out, "DISTINCT feature_date, who")) == len(writers)
    for who, other in ("ab", "ba"):
        for date, state in states[who].items():
            if state["status"] == "taken":
                assert writers[date] == other and states[other][date]["status"] == "done"
                # In the instant after it took the lock the holder has not written its name yet.
                assert reports[other]["run_id"] in state["reason"] or "by another process" in state["reason"]
            else:
                assert writers[date] == who or states[other][date]["status"] == "done"
    history = {run["run_id"]: run for run in call_json("table", "history", out)["runs"]}
    for run_id, who in runs.items():
        told = [(d["feature_date"], d["status"]) for d in history[run_id]["dates"]]
        assert told == [(date, state["status"]) for date, state in states[who].items()]
    assert history.keys() == runs.keys()


def wait_for(condition, what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.002)


@dataclass
class Stopped:
    """A backfill date by date; it can be made to hang in a read once it has published some dates."""

    race: Race
    out: Path
    stall: Path
    environment: dict[str, str]

    def start(self, dates: int) -> subprocess.Popen:
        process = self.race.start(self.out, "a", 0, 29, "--pass-days", 1, env=self.environment)
        wait_for(lambda: len(published_dates(self.out)) >= dates, f"{dates} dates")
        self.stall.touch()
        wait_for(self.stall.with_name("stall.reached").exists, "a read that hangs")
        return process

    def finish(self) -> None:
        """The rest is computed, and only the rest; the table is that of a backfill that nothing came between."""
        done = {date: published["run_id"] for date, published in ledger(self.out).items() if published}
        assert done.keys() == published_dates(self.out)
        only = ("--only", "missing,failed,stale")
        report = call_json("backfill", self.race.file, *span(0, 29), *only, sets=self.race.sets(self.out, "a"))
        everything = {day_label(day) for day in range(DAYS)}
        assert {d["feature_date"] for d in report["dates"] if d["status"] == "done"} == everything - done.keys()
        assert {date: published["run_id"] for date, published in ledger(self.out).items() if date in done} == done
        assert_files_are_those_of_the_ledger(self.out)
        assert fingerprint(self.out) == fingerprint(self.race.whole)


@pytest.fixture
def stopped(race, flaky_reads, tmp_path):
    stall = tmp_path / "stall"
    environment = {**os.environ, **flaky_reads(race.folder / "events", **{"while": stall})}
    yield Stopped(race, race.new_table(), stall, environment)
    stall.unlink(missing_ok=True)


def assert_interrupted(process: subprocess.Popen, stdout: str, stderr: str, out: Path) -> dict[str, str]:
    """{date: status}: of whole dates, which are done, and others."""
    assert process.returncode == 130 and stderr.count("error:") == 1
    report = json.loads(stdout)
    assert report["error"]["code"] == 130 and report["error"]["kind"] == "interrupted"
    states = {d["feature_date"]: d["status"] for d in report["dates"]}
    assert list(states) == [day_label(day) for day in range(DAYS)]
    assert {date for date, status in states.items() if status == "done"} == published_dates(out)
    assert set(states.values()) <= {"done", "failed", "skipped"}
    assert_files_are_those_of_the_ledger(out)
    return states


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_backfill_leaves_whole_dates_and_can_go_on(stopped, name):
    process = stopped.start(dates=3)
    process.send_signal(getattr(signal, name))
    stopped.stall.unlink()
    states = assert_interrupted(process, *process.communicate(timeout=30), stopped.out)
    counts = Counter(states.values())
    assert counts["done"] >= 3 and counts["failed"] == 1 and counts["skipped"] > 0
    stopped.finish()


def test_a_backfill_interrupted_while_it_writes(stopped):
    """All dates are of one pass. Some are published when the signal comes; what was staged of others is gone."""
    for _ in range(10):
        process = stopped.race.start(stopped.out, "a", 0, 29, "--parallel", 1)
        wait_for(lambda: len(published_dates(stopped.out)) >= 3, "some dates")
        process.send_signal(signal.SIGINT)
        outputs = process.communicate(timeout=30)
        if process.returncode != 0:
            break
        stopped.out = stopped.race.new_table()
    assert 3 <= len(published_dates(stopped.out)) < DAYS
    assert hidden_files(stopped.out) == []
    assert_interrupted(process, *outputs, stopped.out)
    stopped.finish()


def test_the_second_signal_stops_at_once(stopped):
    process = stopped.start(dates=3)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert process.poll() is None, "it went on without its read"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)
    assert process.returncode == 130
    stopped.stall.unlink()
    stopped.finish()


def test_a_killed_backfill_leaves_whole_dates_and_can_go_on(stopped):
    process = stopped.start(dates=3)
    process.kill()
    process.communicate(timeout=5)
    stopped.stall.unlink()
    stopped.finish()
