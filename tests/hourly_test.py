"""Pipelines at grain hour, held against DuckDB and its time zones: windows, clocks that change, backfills, status."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow.parquet as pq
import pytest
from hourly import BY_HOUR, MINUTE, Hourly, event, stream
from tidemill_command import call, call_json, fingerprint, hidden_files


def folders(out: Path, day: str) -> list[str]:
    """The hours of a day in the table, as a reader decodes them."""
    names = [folder.name.removeprefix("feature_hour=") for folder in (out / f"feature_date={day}").iterdir()]
    return sorted(name.replace("%3A", ":") for name in names)


@pytest.mark.parametrize("zoned", [True, False], ids=["zoned", "naive"])
@pytest.mark.parametrize("partitioned", [True, False], ids=["partitioned", "flat"])
def test_single_hours(tmp_path, zoned, partitioned):
    hourly = Hourly(tmp_path, "UTC", zoned, partitioned)
    hourly.add(stream("2026-03-01", "2026-03-06", "UTC", zoned))
    oracle = hourly.oracle()
    for label in ("2026-03-01T00", "2026-03-02T14", "2026-03-04T23", "2026-03-05T00", "2026-03-07T03"):
        report = hourly.run(label)
        assert report["feature_date"] == label
        assert report["rows_read"] == oracle.counted(label, 48)
        hourly.check(label, label)
    assert hourly.run("2026-03-09T00")["status"] == "empty"
    assert hourly.got(["2026-03-09T00"]) == []


@pytest.mark.parametrize("partitioned", [True, False], ids=["partitioned", "flat"])
def test_an_hour_reads_no_more_than_its_window(tmp_path, partitioned):
    hourly = Hourly(tmp_path, "UTC", True, partitioned, ("2h", "6h"))
    hourly.add(stream("2026-03-01", "2026-03-06", "UTC", True, minutes=1))
    plan = call_json("plan", hourly.file, "--date", "2026-03-03T14", sets=hourly.sets())
    assert plan["days_read"] == 1
    assert plan["files_read"] == 1
    # Row groups hold 64 minutes.
    assert 6 <= plan["row_groups_read"] <= 8 and plan["rows_read"] <= 8 * 64


CHANGES = [
    ("Europe/Stockholm", "2026-03-29", [f"{h:02}" for h in range(24) if h != 2]),
    ("Europe/Stockholm", "2026-10-25", ["00", "01", "02", "02+01:00", *(f"{h:02}" for h in range(3, 24))]),
    ("America/New_York", "2026-03-08", [f"{h:02}" for h in range(24) if h != 2]),
    ("America/New_York", "2026-11-01", ["00", "01", "01-05:00", *(f"{h:02}" for h in range(2, 24))]),
]


@pytest.mark.parametrize("zoned", [True, False], ids=["zoned", "naive"])
@pytest.mark.parametrize("zone, day, hours", CHANGES, ids=[f"{zone} {day}" for zone, day, _ in CHANGES])
def test_every_hour_around_a_change_of_clocks(tmp_path, zone, day, hours, zoned):
    date = dt.date.fromisoformat(day)
    around = [str(date + dt.timedelta(days=n)) for n in (-4, -1, 1, 3)]
    hourly = Hourly(tmp_path, zone, zoned, partitioned=zoned, windows=("6h", "1d"))
    hourly.add(stream(around[0], around[3], zone, zoned))
    first, last = f"{around[1]}T20", f"{around[2]}T06"
    labels = hourly.oracle().labels(first, last)
    report = hourly.range("backfill", first, last)
    assert [d["feature_date"] for d in report["dates"]] == labels
    assert {d["status"] for d in report["dates"]} == {"done"}
    assert [label[11:] for label in labels if label.startswith(day)] == hours
    assert folders(hourly.out, day) == sorted(hours)
    hourly.check(first, last)
    status = call_json("status", hourly.file, sets=hourly.sets())
    assert [(d["feature_date"], d["status"]) for d in status["dates"]] == [(label, "done") for label in labels]


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
@pytest.mark.parametrize("swapped", [False, True])
def test_the_longest_window_is_the_longest_at_each_date(tmp_path, day, swapped):
    """On a day of 25 hours a window of a day is longer than one of 24 hours; on a day of 23 it is shorter."""
    hourly = Hourly(tmp_path, "Europe/Stockholm", True, False, ("24h", "1d"))
    if swapped:
        hourly.file.write_text(hourly.file.read_text().replace("[24h, 1d]", "[1d, 24h]"))
    date = dt.date.fromisoformat(day)
    days = [str(date + dt.timedelta(days=n)) for n in (-2, 2)]
    hourly.add(stream(*days, "Europe/Stockholm", True))
    hourly.range("backfill", f"{day}T00", f"{day}T23")
    hourly.check(f"{day}T00", f"{day}T23")


def test_offsets_are_taken_for_every_hour_that_has_them(tmp_path):
    """2026-10-25T02 is the first of two; with its offset it is the same date."""
    hourly = Hourly(tmp_path, "Europe/Stockholm", True, False)
    hourly.add(stream("2026-10-23", "2026-10-27", "Europe/Stockholm", True))
    for given, label in {"T02": "T02", "T02+02:00": "T02", "T02+01:00": "T02+01:00", "T03+01:00": "T03"}.items():
        assert hourly.run(f"2026-10-25{given}")["feature_date"] == f"2026-10-25{label}"
    assert folders(hourly.out, "2026-10-25") == ["02", "02+01:00", "03"]


def test_previous_goes_by_time(tmp_path):
    """Of the hours from midnight, the first has one event, the next two, and so on."""
    hourly = Hourly(tmp_path, "Europe/Stockholm", True, False, ("1h", "1d"))
    midnight = dt.datetime(2026, 10, 24, 22, tzinfo=dt.timezone.utc)
    hourly.add([event(1, midnight + 60 * MINUTE * hour) for hour in range(6) for _ in range(hour + 1)])
    check = "sum(n_1h) = previous(sum(n_1h)) + 1"
    hourly.file.write_text(hourly.file.read_text() + f"checks: {{output: [{{check: {check}, severity: warn}}]}}\n")
    report = hourly.range("backfill", "2026-10-25T00", "2026-10-25T04", "--pass-days", 1)
    passed = {d["feature_date"][11:]: d["checks"][0]["passed"] for d in report["dates"]}
    assert passed == {"00": False, "01": True, "02": True, "02+01:00": True, "03": True, "04": True}


@pytest.mark.parametrize("files", ["their own", "shared"])
def test_events_count_by_their_time_up_to_a_day_off_their_partition(tmp_path, files):
    hourly = Hourly(tmp_path, "Europe/Stockholm", True, True)
    noon = dt.datetime(2026, 3, 29, 10, tzinfo=dt.timezone.utc)
    near = [event(i, noon + i * MINUTE, day=day) for day in ("2026-03-28", "2026-03-30") for i in (1, 6, 18)]
    far = [event(i, noon, day=day) for day in ("2026-03-26", "2026-03-27", "2026-03-31") for i in (1, 6, 24)]
    placed = stream("2026-03-26", "2026-04-01", "Europe/Stockholm", True)
    for number, events in enumerate((placed, near, far) if files == "their own" else (placed + near + far,)):
        hourly.add(events, f"part-{number}")
    del hourly.events[-len(far) :]
    report = hourly.range("backfill", "2026-03-28T22", "2026-03-30T22")
    hourly.check("2026-03-28T22", "2026-03-30T22")
    assert any("9 rows lie in partitions more than a day away" in warning for warning in report["warnings"])


def test_half_an_hour_off(tmp_path):
    """In Kolkata an hour of UTC begins at half past: the last one of a day reaches half an hour into the next."""
    hourly = Hourly(tmp_path, "Asia/Kolkata", True, True)
    hourly.add(stream("2026-03-01", "2026-03-05", "Asia/Kolkata", True))
    kolkata = ZoneInfo("Asia/Kolkata")
    midnights = [dt.datetime(2026, 3, day, tzinfo=kolkata) for day in (2, 3, 4)]
    times = [midnight + n * MINUTE for midnight in midnights for n in (-31, -30, -10, 0, 10, 29, 30, 31)]
    night = [event(25, at.astimezone(dt.timezone.utc), day=str(at.date()), user_id="night") for at in times]
    hourly.add(night, "night")
    labels = hourly.oracle().labels("2026-03-02T20", "2026-03-04T02")
    hourly.range("backfill", labels[0], labels[-1])
    hourly.check(labels[0], labels[-1])
    alone = Hourly(tmp_path / "alone", "Asia/Kolkata", True, True, ("1h", "1d"))
    alone.add(night)
    alone.range("backfill", labels[0], labels[-1])
    counts = {row[0]: row[2] for row in alone.got(labels)}
    nights = {f"2026-03-0{day}T{hour}": n for day, hour, n in ((2, 22, 1), (2, 23, 5), (3, "00", 2))}
    assert {label: counts.get(label) for label in nights} == nights
    assert counts["2026-03-03T01"] == 0
    alone.check(labels[0], labels[-1])


DAY_OF_25 = ("2026-10-25T00", "2026-10-25T23")


@pytest.fixture
def stockholm(tmp_path):
    hourly = Hourly(tmp_path, "Europe/Stockholm", True, True)
    hourly.add(stream("2026-10-22", "2026-10-27", "Europe/Stockholm", True))
    return hourly


def test_bytes_do_not_depend_on_how_hours_are_computed(stockholm):
    for label in stockholm.oracle().labels(*DAY_OF_25):
        stockholm.run(label)
    expected = fingerprint(stockholm.out)
    assert len(expected) == 25
    for pass_days in (1, 5, None):
        for threads in (1, 2):
            out = stockholm.folder / f"out-{pass_days}-{threads}"
            flags = ("--threads", threads, *(("--pass-days", pass_days) if pass_days else ()))
            report = stockholm.range("backfill", *DAY_OF_25, *flags, out=out)
            assert report["passes"] == (-(-25 // pass_days) if pass_days else 1)
            assert fingerprint(out) == expected, f"files differ with {flags}"
            assert hidden_files(out) == []


def test_every_sixth_hour(stockholm):
    report = stockholm.range("backfill", *DAY_OF_25, "--every", "6h")
    assert [d["feature_date"][11:] for d in report["dates"]] == ["00", "05", "11", "17", "23"]
    assert {d["status"] for d in report["dates"]} == {"done"}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Stockholm", "Asia/Kolkata"])
@pytest.mark.parametrize("partitioned", [True, False], ids=["partitioned", "flat"])
def test_late_events_make_the_hours_stale_that_may_hold_them(tmp_path, zone, partitioned):
    hourly = Hourly(tmp_path, zone, True, partitioned, ("3h", "6h"))
    hourly.add(stream("2026-03-01", "2026-03-04", zone, True))
    span = ("2026-03-02T00", "2026-03-03T23")
    labels = hourly.oracle().labels(*span)
    hourly.range("backfill", *span)
    before = fingerprint(hourly.out)
    times = [dt.datetime(2026, 3, 2, 13, minute, tzinfo=ZoneInfo(zone)) for minute in (40, 50)]
    times.append(times[0] + 60 * MINUTE)
    late = [event(i, at.astimezone(dt.timezone.utc), day="2026-03-02") for i, at in enumerate(times)]
    hourly.add(late, "late")
    # Events of the hours 13 and 14: the windows that end with 13 to 19 may hold them.
    expected = [f"2026-03-02T{hour}" for hour in range(13, 20)]
    status = {d["feature_date"]: d for d in hourly.range("status", *span)["dates"]}
    assert [label for label in labels if status[label]["status"] == "stale"] == expected
    assert {tuple(status[label]["changed_days"]) for label in expected} == {("2026-03-02",)}
    assert all("late.parquet" in status[label]["reason"] for label in expected)
    assert {status[label]["status"] for label in labels if label not in expected} == {"done"}
    report = hourly.range("backfill", *span, "--only", "stale")
    assert [d["feature_date"] for d in report["dates"] if d["status"] == "done"] == expected
    after = fingerprint(hourly.out)
    paths = {f"feature_date=2026-03-02/feature_hour={label[11:]}/part-00000.parquet" for label in expected}
    assert {path for path in after if before[path] != after[path]} == paths and before.keys() == after.keys()
    assert {d["status"] for d in hourly.range("status", *span)["dates"]} == {"done"}
    fresh = hourly.folder / "fresh"
    hourly.range("backfill", *span, out=fresh)
    assert fingerprint(fresh) == after


def test_a_file_that_is_gone_makes_stale_what_was_computed_from_it(stockholm):
    stockholm.range("backfill", *DAY_OF_25)
    (gone,) = (stockholm.folder / "events" / "event_date=2026-10-23").iterdir()
    gone.unlink()
    status = stockholm.range("status", *DAY_OF_25)["dates"]
    # Two days back from the last hour of the 25th lie in the 24th.
    assert [d["feature_date"] for d in status if d["status"] != "stale"] == ["2026-10-25T23"]


@pytest.mark.parametrize(
    "replace, position, words",
    [
        (("event_time: at, ", ""), ":2", ["event_time", "hour"]),
        ((BY_HOUR, "partition_by: [feature_date]"), ":14", ["partition_by", "feature_hour"]),
        ((BY_HOUR, "partition_by: [feature_hour, feature_date]"), ":14", ["feature_date"]),
        (("grain: hour", "grain: day"), "", ["hour"]),
        (("grain: hour", "grain: hours"), ":5", ["hours", "hour"]),
        (("[6h, 2d]", "[6h, 2w]"), ":7", ["2w"]),
        (("[6h, 2d]", "[6h, 0h]"), ":7", ["0h"]),
    ],
)
def test_wrong_files_exit_2(stockholm, replace, position, words):
    text = stockholm.file.read_text()
    assert replace[0] in text
    stockholm.file.write_text(text.replace(*replace))
    for command in (("lint",), ("run", "--date", "2026-10-25T02")):
        stderr = call(command[0], stockholm.file, *command[1:], sets=stockholm.sets(), expect=2).stderr
        assert f"hourly.yaml{position}" in stderr and all(word in stderr for word in words), stderr
    assert not stockholm.out.exists()


NO_HOURS = ["2026-10-25", "2026-03-29T02", "2026-10-25T24", "2026-10-25T02+03:00", "2026-10-25T02:30", "2026-10-25 02"]


@pytest.mark.parametrize("date", NO_HOURS)
def test_dates_that_are_no_hours_exit_2(stockholm, date):
    backfill = ("backfill", "--start", date, "--end", "2026-10-25T04")
    for command, *flags in (("run", "--date", date), backfill, ("sql", "--date", date)):
        stderr = call(command, stockholm.file, *flags, sets=stockholm.sets(), expect=2).stderr
        assert f"'{date}'" in stderr and "2026-03-02T14" in stderr, stderr
    assert not stockholm.out.exists()


def assert_sql_gives_the_rows(hourly: Hourly, first: str, last: str) -> None:
    hourly.range("backfill", first, last)
    for label in hourly.oracle().labels(first, last):
        query = call("sql", hourly.file, "--date", label, "--dialect", "duckdb", sets=hourly.sets()).stdout
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'Asia/Tokyo'")
            rows = connection.sql(query).order("user_id").project(f"user_id, {hourly.columns()}").fetchall()
        assert [(label, *row) for row in rows] == hourly.got([label])


@pytest.mark.parametrize("zoned", [True, False], ids=["zoned", "naive"])
@pytest.mark.parametrize(
    "zone, day",
    [
        ("UTC", "2026-03-02"),
        ("Asia/Kolkata", "2026-03-02"),
        ("Europe/Stockholm", "2026-03-29"),
        ("Europe/Stockholm", "2026-10-25"),
    ],
)
def test_sql_gives_the_rows_of_the_run(tmp_path, zone, day, zoned):
    date = dt.date.fromisoformat(day)
    hourly = Hourly(tmp_path, zone, zoned, True)
    hourly.add(stream(str(date - dt.timedelta(days=3)), str(date + dt.timedelta(days=1)), zone, zoned))
    assert_sql_gives_the_rows(hourly, f"{day}T00", f"{day}T04")


def test_sql_leaves_out_events_far_from_their_partition(tmp_path):
    hourly = Hourly(tmp_path, "UTC", True, True)
    hourly.add(stream("2026-03-01", "2026-03-05", "UTC", True))
    at = dt.datetime(2026, 3, 4, 10, tzinfo=dt.timezone.utc)
    hourly.add([event(1, at, day=f"2026-03-0{day}") for day in (1, 3, 5)], "elsewhere")
    assert_sql_gives_the_rows(hourly, "2026-03-04T10", "2026-03-04T10")


def test_the_example_runs(tmp_path):
    example = Path(__file__).parent.parent / "pipelines" / "hourly_activity.yaml"
    call("generate", "events", tmp_path / "events", "--days", 3, "--events-per-day", 2000, "--start", "2026-03-01")
    sets = {"EVENTS": tmp_path / "events", "OUT": tmp_path / "out"}
    hours = ("--start", "2026-03-03T20", "--end", "2026-03-03T22")
    report = call_json("backfill", example, *hours, sets=sets)
    assert [date["status"] for date in report["dates"]] == ["done"] * 3
    last = pq.ParquetFile(tmp_path / "out" / "feature_date=2026-03-03" / "feature_hour=22" / "part-00000.parquet").read()
    columns = ["user_id", "events_1h", "events_6h", "events_2d", "sessions_6h", "clicks_6h", "last_category"]
    assert last.column_names == columns and last.num_rows > 0
    assert all(r["events_1h"] <= r["events_6h"] <= r["events_2d"] for r in last.to_pylist())
