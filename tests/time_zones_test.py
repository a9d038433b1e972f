"""Days in a time zone, worked out with Python's zoneinfo."""

import datetime as dt
from collections import Counter
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from sources import write_file
from tidemill_command import call, published

HALF_HOUR = dt.timedelta(minutes=30)
INSTANTS = pa.schema([("user_id", pa.string()), ("at", pa.timestamp("us", "UTC"))])
NAIVE = pa.schema([("user_id", pa.string()), ("at", pa.timestamp("us"))])


def every_half_hour(first: dt.datetime, n: int) -> list[dt.datetime]:
    return [first + i * HALF_HOUR for i in range(n)]


@pytest.mark.parametrize(
    "zone, around",
    [
        ("Europe/Stockholm", "2026-03-29"),  # 23 hours
        ("Europe/Stockholm", "2026-10-25"),  # 25 hours
        ("America/New_York", "2026-03-08"),
        ("America/Sao_Paulo", "2018-11-04"),  # midnight does not exist
        ("Asia/Kolkata", "2026-03-29"),  # half an hour off
        ("Australia/Lord_Howe", "2026-04-05"),  # half an hour of summer time
        ("Pacific/Apia", "2011-12-31"),  # a day that did not exist
        ("Africa/Monrovia", "1972-01-07"),  # an offset of 44:30
        ("UTC", "2026-03-29"),
    ],
)
@pytest.mark.parametrize("window", [1, 3])
def test_days_of_instants(world, zone, around, window):
    date = dt.date.fromisoformat(around)
    first = dt.datetime.combine(date - dt.timedelta(days=4), dt.time(), dt.timezone.utc)
    instants = every_half_hour(first, 8 * 48)
    for i, piece in enumerate((instants[::2], instants[1::2])):
        write_file(world.folder / "instants" / f"part-{i}.parquet", [{"user_id": "a", "at": at} for at in piece], INSTANTS)
    world.pipeline(source=f"event_time: at, timezone: {zone}", window=f"{window}d", features="n: count(*)\nfrom_: min(at)\nto_: max(at)")
    names = {"EVENTS": world.folder / "instants", "OUT": world.out}
    for offset in (-1, 0, 1):
        day = date + dt.timedelta(days=offset)
        local = {at: at.astimezone(ZoneInfo(zone)).date() for at in instants}
        inside = [at for at, d in local.items() if day - dt.timedelta(days=window) < d <= day]
        call("run", world.file, "--date", day, sets=names)
        rows = published(world.out, str(day)).to_pylist() if inside else []
        got = [(row["n"], row["from_"], row["to_"]) for row in rows]
        assert got == ([(len(inside), min(inside), max(inside))] if inside else []), f"{day} in {zone}"


def test_a_day_of_23_and_one_of_25_hours(world):
    for start, hours in ((dt.datetime(2026, 3, 28), 23), (dt.datetime(2026, 10, 24), 25)):
        instants = every_half_hour(start.replace(tzinfo=dt.timezone.utc), 3 * 48)
        counts = Counter(at.astimezone(ZoneInfo("Europe/Stockholm")).date() for at in instants)
        assert counts[start.date() + dt.timedelta(days=1)] == 2 * hours


def test_naive_times_are_local_times(world):
    """A naive timestamp is civil time in the zone: its day is its own date, whatever the offset."""
    moments = every_half_hour(dt.datetime(2026, 3, 28), 3 * 48)
    write_file(world.folder / "naive" / "part-0.parquet", [{"user_id": "a", "at": at} for at in moments], NAIVE)
    world.pipeline(source="event_time: at, timezone: Europe/Stockholm", window="1d", features="n: count(*)\nlatest: max(at)")
    call("run", world.file, "--date", "2026-03-29", sets={"EVENTS": world.folder / "naive", "OUT": world.out})
    (row,) = published(world.out, "2026-03-29").to_pylist()
    assert row["n"] == 48
    assert row["latest"].replace(tzinfo=None) == dt.datetime(2026, 3, 29, 23, 30)


def test_partition_days_do_not_depend_on_the_zone(world):
    world.pipeline(source="day: event_date, event_time: at, timezone: Pacific/Apia")
    world.run()
    shifted = world.rows()
    world.pipeline()
    world.run()
    assert [row["events"] for row in shifted] == [row["events"] for row in world.rows()]


def test_unknown_zone_is_named(world):
    world.pipeline(source="day: event_date, timezone: Europe/Stokholm")
    stderr = world.run(expect=2).stderr
    assert "Europe/Stokholm" in stderr and "pipeline.yaml:2" in stderr
