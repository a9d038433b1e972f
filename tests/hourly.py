"""A source and a pipeline at grain hour, and what DuckDB makes of them."""

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
from oracle.hours import Hours
from pipelines import write_pipeline
from sources import write_file
from tidemill_command import call_json

NAMES = ["n", "kinds", "total", "low", "high", "last_kind", "latest"]
FEATURES = """
  n: {expr: count(*), windows: [WINDOWS]}
  kinds: {expr: count(distinct kind), windows: [WINDOWS]}
  total: {expr: sum(value), windows: [WINDOWS]}
  low: {expr: min(value), windows: [WINDOWS]}
  high: {expr: max(value), windows: [WINDOWS]}
  last_kind: {expr: last(kind), windows: [WINDOWS]}
  latest: {expr: max(at), windows: [WINDOWS]}
"""
BY_HOUR = "partition_by: [feature_date, feature_hour]"
MINUTE = dt.timedelta(minutes=1)


def schema(zoned: bool) -> pa.Schema:
    time = pa.timestamp("us", "UTC") if zoned else pa.timestamp("us")
    return pa.schema([("user_id", pa.string()), ("kind", pa.string()), ("value", pa.float64()), ("at", time)])


def event(i: int, at: dt.datetime, **more: object) -> dict:
    """The i-th of a regular stream: users from busy to those of a single event, NULLs, equal times."""
    user = None if i % 31 == 0 else f"u{i % 4}" if i % 6 else f"rare{i % 97}"
    value = None if i % 5 == 0 else (i * 37 % 101) / 4 - 6
    return {"user_id": user, "kind": (None, "view", "click", "buy", "ask")[i * i % 5], "value": value, "at": at, **more}


def stream(first: str, last: str, zone: str, zoned: bool, minutes: int = 13) -> list[dict]:
    """Events from midnight to midnight of two days. Naive ones are at all times of a clock that nobody sets, those that
    the zone skips among them. `day` is the local day."""
    tz = dt.timezone.utc if zoned else None
    begin, end = (dt.datetime.fromisoformat(day).replace(tzinfo=tz) for day in (first, last))
    times = [begin + MINUTE * minutes * i for i in range((end - begin) // (MINUTE * minutes))]
    day = (lambda at: at.astimezone(ZoneInfo(zone)).date()) if zoned else dt.datetime.date
    pairs = [at if i % 7 else times[max(i - 1, 0)] for i, at in enumerate(times)]
    return [event(i, at, day=str(day(at))) for i, at in enumerate(pairs)]


class Hourly:
    """A source and an hourly pipeline over it, in a folder of their own."""

    def __init__(
        self, folder: Path, zone: str, zoned: bool, partitioned: bool, windows: tuple[str, str] = ("6h", "2d")
    ) -> None:
        self.folder, self.zone, self.zoned = folder, zone, zoned
        self.partitioned, self.windows = partitioned, windows
        self.events: list[dict] = []
        self.file = folder / "hourly.yaml"
        self.out = folder / "out"
        write_pipeline(
            self.file,
            source=f"{'day: event_date, ' if partitioned else ''}event_time: at, timezone: {zone}",
            window=windows[-1],
            more="grain: hour",
            features=FEATURES.replace("WINDOWS", ", ".join(windows)),
            output=BY_HOUR,
        )

    def add(self, events: list[dict], name: str = "part-0") -> None:
        self.events += events
        options = {"row_group_size": 64}
        if not self.partitioned:
            write_file(self.folder / "events" / f"{name}.parquet", events, schema(self.zoned), **options)
        for day in sorted({row["day"] for row in events}) if self.partitioned else ():
            members = [row for row in events if row["day"] == day]
            write_file(self.folder / f"events/event_date={day}/{name}.parquet", members, schema(self.zoned), **options)

    def sets(self, out: Path | None = None) -> dict[str, object]:
        return {"EVENTS": self.folder / "events", "OUT": out or self.out}

    def run(self, label: str, *flags: object, out: Path | None = None, **keywords) -> dict:
        return call_json("run", self.file, "--date", label, *flags, sets=self.sets(out), **keywords)

    def range(self, command: str, first: str, last: str, *flags: object, out: Path | None = None) -> dict:
        return call_json(command, self.file, "--start", first, "--end", last, *flags, sets=self.sets(out))

    def oracle(self) -> Hours:
        names = schema(self.zoned).names
        rows = [{name: row[name] for name in names} for row in self.events]
        return Hours(pa.Table.from_pylist(rows, schema=schema(self.zoned)), self.zone)

    def check(self, first: str, last: str) -> None:
        """The table holds what DuckDB computes for these dates."""
        oracle = self.oracle()
        hours, days = (int(window[:-1]) for window in self.windows)
        want = oracle.rows(first, last, hours, days)
        got = self.got(oracle.labels(first, last))
        for row, right in zip(got, want):
            assert row == right, f"{row}, DuckDB: {right}"
        assert len(got) == len(want) > 0, f"{len(got)} rows, DuckDB: {len(want)}"

    def columns(self) -> str:
        return ", ".join(f'"{name}_{window}"' for window in self.windows for name in NAMES)

    def got(self, labels: Iterable[str]) -> list[tuple]:
        """(label, user_id, features...) as readers of the table see them, in the order of the dates."""
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            hive = "hive_partitioning = true, hive_types = {feature_date: VARCHAR, feature_hour: VARCHAR}"
            query = f"""
                SELECT feature_date || 'T' || feature_hour, user_id, {self.columns()}
                FROM read_parquet('{self.out}/**/*.parquet', {hive}) ORDER BY user_id
            """
            rows = connection.execute(query).fetchall()
        by_label: dict[str, list[tuple]] = {}
        for row in rows:
            by_label.setdefault(row[0], []).append(row)
        return [row for label in labels for row in by_label.get(label, [])]
