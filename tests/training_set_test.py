"""`tidemill training-set` against features worked out label by label."""

import datetime as dt
import random
import shutil
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from oracle import point_in_time
from oracle.point_in_time import MICRO, UTC
from pipelines import write_pipeline
from sources import write_days
from tidemill_command import call, call_json
from world import World

ZONES = [
    ("UTC", "2026-03-29"),
    ("Europe/Stockholm", "2026-03-29"),
    ("Europe/Stockholm", "2026-10-25"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("Asia/Kolkata", "2026-03-29"),
]
HEADER = "label_id"


def training_set(file: Path, labels: Path, *flags: object, time: str = "at", out: Path | None = None, **keywords) -> tuple[list[dict], dict]:
    """The rows of the result and the report."""
    out = out or labels.with_name("set.parquet")
    report = call_json("training-set", file, "--labels", labels, "--label-time", time, "--out", out, "--overwrite", *flags, **keywords)
    return pq.read_table(out).to_pylist(), report


def write(path: Path, rows: list[dict], schema: pa.Schema, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, **options)
    return path


class Case:
    """Random events, labels and a pipeline between them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        pick = self.random.choice
        self.zone, self.around = pick(ZONES)
        self.by_hour = pick([False, False, True])
        self.windows = ["6h", "2d"] if self.by_hour else pick([["1d", "3d"], ["2d"], ["1d", "2d", "5d"]])
        self.zoned, self.composite, self.where = pick([True, False]), pick([True, False]), pick([True, False])
        self.keeps_null = pick([True, False])
        self.layout = pick(["day", "flat"])
        self.label_type = pick(["naive", "zoned", "date", "nano"])
        self.folder = folder
        self.events = self._events(pick([0, 5, 300, 300]))
        self.labels = self._labels(pick([0, 1, 40, 40]))

    def _events(self, count: int) -> list[dict]:
        tz = UTC if self.zoned else None
        first = dt.datetime.fromisoformat(self.around).replace(tzinfo=tz) - dt.timedelta(days=4)
        r = self.random
        events = []
        for _ in range(count):
            at = first + dt.timedelta(minutes=r.randrange(8 * 24 * 4) * 15, microseconds=r.choice([0, 0, 1, 999_999]))
            events.append(
                {
                    "user_id": r.choice([None, 1, 1, 1, 2, 3, 4, 2**31 - 1]),
                    "country": r.choice(["de", "se", None]),
                    "kind": r.choice([None, "view", "buy", "ask"]),
                    "value": r.choice([None, *[x / 4 for x in range(-8, 9)]]),
                    "at": None if r.random() < 0.02 else at,
                }
            )
        return events

    def _labels(self, count: int) -> list[dict]:
        r = self.random
        times = [event["at"] for event in self.events if event["at"]]
        labels = []
        for i in range(count):
            user = r.choice([None, 1, 1, 2, 3, 77, 2**40])
            at = r.choice(times) if times else dt.datetime(2026, 3, 29, 12, tzinfo=UTC if self.zoned else None)
            at = at + r.choice([0, 1, -1]) * MICRO + r.choice([0, 0, 1, 2]) * dt.timedelta(hours=7)
            at = point_in_time.instant_of(at, self.zone)
            if self.label_type in ("naive", "nano"):
                # The earlier of two equal local times is meant.
                at = at.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
            elif self.label_type == "date":
                at = at.astimezone(ZoneInfo(self.zone)).date()
            labels.append({HEADER: i, "user": user, "country": r.choice(["de", "se", None, "fr"]), "when": None if r.random() < 0.05 else at})
        return labels

    @property
    def on(self) -> dict[str, str]:
        return {"user": "user_id"} | ({"country": "country"} if self.composite else {})

    def label_file(self) -> Path:
        time = {"naive": pa.timestamp("us"), "zoned": pa.timestamp("us", "America/Lima"), "date": pa.date32(), "nano": pa.timestamp("ns")}
        schema = pa.schema([(HEADER, pa.int32()), ("user", pa.int64()), ("country", pa.large_string()), ("when", time[self.label_type])])
        return write(self.folder / "labels.parquet", self.labels, schema, row_group_size=self.random.choice([3, 1000]))

    def pipeline(self, **parts: str) -> Path:
        time = pa.timestamp("us", "UTC") if self.zoned else pa.timestamp("us")
        schema = pa.schema([("user_id", pa.int32()), ("country", pa.string()), ("kind", pa.string()), ("value", pa.float64()), ("at", time)])
        days: dict[str, list[dict]] = {}
        for event in self.events:
            day = "events"
            if self.layout == "day":
                day = f"event_date={event['at'].date() if event['at'] else self.around}"
            days.setdefault(day, []).append(event)
        if not days:
            days[f"event_date={self.around}" if self.layout == "day" else "events"] = []
        for day, rows in days.items():
            write(self.folder / "data" / day / "part-0.parquet", rows, schema, row_group_size=64)
        windows = ", ".join(self.windows)
        expressions = {
            "n": "count(*)",
            "kinds": "count(distinct kind)",
            "total": "sum(value)",
            "once": "sum(distinct value)",
            "high": "max(value)",
            "buys": "count(*) filter (where kind = 'buy')",
            "last_kind": "last(kind)",
            "twice": "sum(doubled)",
        }
        features = [f"{name}: {{expr: {text}, windows: [{windows}]}}" for name, text in expressions.items()]
        features += ["day: feature_date", "share: coalesce(total_X / nullif(n_X, 0), -1)".replace("X", self.windows[0])]
        where = ", where: \"kind is distinct from 'ask'\"" if self.where else ""
        source = f"{'day: event_date, ' if self.layout == 'day' else ''}event_time: at, timezone: {self.zone}{where}"
        return write_pipeline(
            self.folder / "pipeline.yaml",
            source=source + ", columns: {doubled: value * 2}",
            entity="[user_id, country]" if self.composite else "user_id",
            window=self.windows[-1],
            more=("grain: hour\n" if self.by_hour else "") + f"null_entity: {'keep' if self.keeps_null else 'drop'}",
            features="\n".join(features),
            output="partition_by: [feature_date, feature_hour]" if self.by_hour else "partition_by: [feature_date]",
        )

    @property
    def sets(self) -> dict[str, object]:
        return {"EVENTS": self.folder / "data", "OUT": self.folder / "out"}

    def features(self, inside: dict[str, list[dict]], label: dict) -> dict:
        row: dict = {}
        for window, events in inside.items():
            values = [event["value"] for event in events if event["value"] is not None]
            kinds = [event for event in events if event["kind"] is not None]
            latest = max((event["at"] for event in kinds), default=None)
            row |= {
                f"n_{window}": len(events),
                f"kinds_{window}": len({event["kind"] for event in kinds}),
                f"total_{window}": sum(values) if values else None,
                f"once_{window}": sum(set(values)) if values else None,
                f"high_{window}": max(values, default=None),
                f"buys_{window}": sum(event["kind"] == "buy" for event in events),
                f"last_kind_{window}": min((event["kind"] for event in kinds if event["at"] == latest), default=None),
                f"twice_{window}": 2 * sum(values) if values else None,
            }
        first = self.windows[0]
        total, n = row[f"total_{first}"], row[f"n_{first}"]
        return row | {"day": label["day"], "share": -1.0 if total is None or n == 0 else total / n}

    def exact(self) -> list[dict | None]:
        events = [event for event in self.events if not self.where or event["kind"] != "ask"]
        return point_in_time.exact(
            events, self.labels, time="at", label_time="when", on=self.on, zone=self.zone, windows=self.windows, features=self.features
        )


@pytest.mark.parametrize("seed", range(60))
def test_exact_features_are_those_of_the_events_before_each_label(tmp_path, seed):
    case = Case(tmp_path, seed)
    rows, report = training_set(case.pipeline(), case.label_file(), "--exact", "--on", "user=user_id", time="when", sets=case.sets)
    want = case.exact()
    assert [row[HEADER] for row in rows] == [label[HEADER] for label in case.labels]
    for row, right, label in zip(rows, want, case.labels):
        got = {name: value for name, value in row.items() if name not in case.labels[0]}
        assert got == (right or dict.fromkeys(got)), f"{label}: {case.__dict__ | {'events': 0, 'labels': 0}}"
    (one,) = report["pipelines"]
    assert one["matched"] == sum(right is not None for right in want)
    assert one["matched"] + sum(one["without_features"].values()) == len(case.labels) == report["labels"]


@pytest.mark.parametrize("seed", range(6))
def test_exact_features_do_not_depend_on_threads_memory_or_order(tmp_path, seed):
    case = Case(tmp_path, 1000 + seed)
    case.events = case._events(400)
    case.labels = case._labels(60)
    flags = ["--exact", "--on", "user=user_id"]
    file, labels = case.pipeline(), case.label_file()
    first = training_set(file, labels, *flags, "--threads", 1, time="when", sets=case.sets)[0]
    assert training_set(file, labels, *flags, "--memory", "1MB", time="when", sets=case.sets)[0] == first
    case.random.shuffle(case.events)
    case.pipeline()
    assert training_set(file, labels, *flags, time="when", sets=case.sets)[0] == first


def test_many_labels_of_one_entity(tmp_path):
    """More intervals than are merged one by one, and windows that overlap in every way."""
    case = Case(tmp_path, 5)
    case.zone, case.by_hour, case.windows, case.composite, case.where = "UTC", False, ["1d", "3d"], False, False
    case.around, case.zoned, case.label_type = "2026-03-29", False, "naive"
    case.events = [event | {"user_id": 1} for event in case._events(500)]
    case.labels = [label | {"user": 1} for label in case._labels(400)]
    rows, _ = training_set(case.pipeline(), case.label_file(), "--exact", "--on", "user=user_id", time="when", sets=case.sets)
    for row, right in zip(rows, case.exact(), strict=True):
        got = {name: value for name, value in row.items() if name not in case.labels[0]}
        assert got == (right or dict.fromkeys(got))


def test_no_leakage(tmp_path):
    """Events at a label's time or after may lie anywhere after it; one that moves before it counts."""
    case = Case(tmp_path, 3)
    case.zone, case.by_hour, case.composite, case.where, case.layout = "UTC", False, False, False, "flat"
    case.around, case.zoned, case.label_type, case.windows = "2026-03-29", False, "naive", ["2d"]
    noon = dt.datetime(2026, 3, 29, 12)
    case.events = [event | {"user_id": i % 5, "at": noon + dt.timedelta(minutes=37 * (i - 100))} for i, event in enumerate(case._events(200))]
    case.labels = [{HEADER: user, "user": user, "country": None, "when": noon + dt.timedelta(hours=user)} for user in range(5)]
    ends = {label["user"]: label["when"] for label in case.labels}

    def rows() -> list[dict]:
        return training_set(case.pipeline(), case.label_file(), "--exact", "--on", "user=user_id", time="when", sets=case.sets)[0]

    before = rows()
    for shift in (MICRO * 0, MICRO, dt.timedelta(days=400)):
        later = [event | {"at": max(event["at"], ends[event["user_id"]] + shift) if event["at"] >= ends[event["user_id"]] else event["at"]} for event in case.events]
        case.events, kept = later, case.events
        assert rows() == before
        case.events = kept
    case.events = [event | {"at": ends[event["user_id"]] - MICRO if event["at"] >= ends[event["user_id"]] else event["at"]} for event in case.events]
    assert [row["n_2d"] for row in rows()] != [row["n_2d"] for row in before]


@pytest.mark.parametrize("seed", range(20))
def test_published_features_of_random_pipelines(tmp_path, seed):
    case = Case(tmp_path, 2000 + seed)
    if case.by_hour:
        case.zone = "UTC"
    case.events = case._events(300)
    case.labels = case._labels(80)
    file, r = case.pipeline(), case.random
    days = [dt.date.fromisoformat(case.around) + dt.timedelta(days=offset) for offset in range(-4, 5)]
    rows, ends = {}, {}
    for day in r.sample(days, 5):
        label, end = str(day), point_in_time.instant_of(day + dt.timedelta(days=1), case.zone)
        if case.by_hour:
            hour = r.randrange(24)
            label, end = f"{day}T{hour:02}", point_in_time.instant_of(day, case.zone) + dt.timedelta(hours=hour + 1)
        call("run", file, "--date", label, sets=case.sets)
        rows[label] = call_json("preview", file, "--date", label, "-n", 1000, sets=case.sets)["rows"]
        ends[label] = end
    max_age = r.choice([None, "1d", "3d", "20h"])
    flags = ["--on", "user=user_id", *(["--max-age", max_age] if max_age else [])]
    got, report = training_set(file, case.label_file(), *flags, time="when", sets=case.sets)
    want = point_in_time.published(rows, ends, case.labels, label_time="when", on=case.on, zone=case.zone, max_age=max_age)
    for row, right, label in zip(got, want, case.labels, strict=True):
        features = {name: str(value) if name == "day" and value else value for name, value in row.items() if name not in case.labels[0]}
        assert features == ({name: right[name] for name in features} if right else dict.fromkeys(features)), label
    assert report["pipelines"][0]["matched"] == sum(right is not None for right in want)


LAYOUTS = {
    "date": "partition_by: [feature_date]",
    "parts": "partition_by: [year, month, day]",
    "columns": "partition_by: [feature_date, last_kind]",
    "entity": "partition_by: [feature_date, user_id]",
    "buckets": 'partition_by: [feature_date, "bucket(4, user_id)"], max_rows_per_file: 2',
    "delta": "format: delta, partition_by: [feature_date]",
    "merge": "format: delta, mode: merge, partition_by: [feature_date]",
}
PUBLISHED = "n: count(*)\ntotal: sum(value)\nlast_kind: coalesce(last(kind), 'none')"


def random_labels(seed: int, zone: str, count: int, first: dt.date, days: int) -> list[dict]:
    r = random.Random(seed)
    labels = []
    for i in range(count):
        day = first + dt.timedelta(days=r.randrange(days))
        midnight = point_in_time.instant_of(day, zone)
        shift = r.choice([MICRO * 0, -MICRO, MICRO, dt.timedelta(hours=r.randrange(24), minutes=r.randrange(60))])
        labels.append({HEADER: i, "user_id": r.choice([None, *[f"u{j}" for j in range(9)]]), "at": r.choice([None] + [midnight + shift] * 20)})
    return labels


LABELS = pa.schema([(HEADER, pa.int64()), ("user_id", pa.string()), ("at", pa.timestamp("us", "UTC"))])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_published_features_are_those_of_the_last_date_before(world: World, layout, zone):
    world.pipeline(
        source=f"day: event_date, event_time: at, timezone: {zone}", window="1d", features=PUBLISHED, output=LAYOUTS[layout]
    )
    dates = ["2026-03-01", "2026-03-02", "2026-03-04", "2026-03-05", "2026-03-08"]  # the last one is empty, 6 and 7 are missing
    rows = {}
    for date in dates:
        world.run(date=date)
        rows[date] = world._json("preview", world.file, "--date", date, "-n", 1000)["rows"]
    ends = {date: point_in_time.instant_of(dt.date.fromisoformat(date) + dt.timedelta(days=1), zone) for date in dates}
    for seed, max_age in ((1, None), (2, "1d"), (3, "30h")):
        labels = random_labels(seed, zone, 200, dt.date(2026, 2, 27), 14)
        path = write(world.folder / "labels" / "part-0.parquet", labels, LABELS, row_group_size=32)
        flags = ["--max-age", max_age] if max_age else []
        got, report = training_set(world.file, path.parent, *flags, out=world.folder / "set.parquet", sets=world.sets)
        want = point_in_time.published(rows, ends, labels, label_time="at", on={"user_id": "user_id"}, zone=zone, max_age=max_age)
        assert [row[HEADER] for row in got] == list(range(200))
        for row, right, label in zip(got, want, labels):
            features = {name: row[name] for name in ("n", "total", "last_kind")}
            assert features == ({name: right[name] for name in features} if right else dict.fromkeys(features)), label
        (one,) = report["pipelines"]
        assert one["matched"] == sum(right is not None for right in want) > 0
        assert all(one["without_features"][gap] > 0 for gap in ("no_time", "no_entity", "no_date", "no_row"))
        assert (one["without_features"]["too_old"] > 0) == bool(max_age)
        assert one["matched"] + sum(one["without_features"].values()) == 200


def test_a_label_sees_a_date_from_its_end(world: World):
    world.backfill("2026-03-01", "2026-03-04")
    midnight = dt.datetime(2026, 3, 4)
    labels = [{HEADER: i, "user_id": "u1", "at": midnight + shift * MICRO} for i, shift in enumerate((-1, 0, 1))]
    path = write(world.folder / "labels.parquet", labels, pa.schema([(HEADER, pa.int64()), ("user_id", pa.string()), ("at", pa.timestamp("us"))]))
    got, report = training_set(world.file, path, sets=world.sets)
    of = {date: next(row for row in world.rows(date) if row["user_id"] == "u1") for date in ("2026-03-02", "2026-03-03")}
    assert [row["latest"] for row in got] == [of[date]["latest"] for date in ("2026-03-02", "2026-03-03", "2026-03-03")]
    assert report["pipelines"][0]["age_seconds"] == {"min": 0.0, "median": 1e-06, "max": 86399.999999}
    # A date of labels is its first instant: what is known of the day before.
    days = write(world.folder / "days.parquet", [{HEADER: 0, "user_id": "u1", "at": dt.date(2026, 3, 4)}], pa.schema([(HEADER, pa.int64()), ("user_id", pa.string()), ("at", pa.date32())]))
    assert training_set(world.file, days, sets=world.sets)[0][0]["latest"] == of["2026-03-03"]["latest"]


def test_a_date_that_failed_later_is_still_published(world: World):
    world.backfill("2026-03-02", "2026-03-03")
    world.pipeline(checks="output:\n    - row_count > 1000")
    world.run(date="2026-03-03", expect=4)
    world.run(date="2026-03-04", expect=4)
    path = write(world.folder / "labels.parquet", [{HEADER: 0, "user_id": "u1", "at": dt.datetime(2026, 3, 6, tzinfo=UTC)}], LABELS)
    got, report = training_set(world.file, path, sets=world.sets)
    assert got[0]["events"] is not None and report["pipelines"][0]["last_date"] == "2026-03-03"


def test_hourly_features(tmp_path):
    from hourly import Hourly, stream

    hourly = Hourly(tmp_path, "Europe/Stockholm", zoned=True, partitioned=True)
    hourly.add(stream("2026-10-24", "2026-10-27", "Europe/Stockholm", zoned=True))
    hourly.range("backfill", "2026-10-24T20", "2026-10-25T08")
    begin = dt.datetime(2026, 10, 24, 21, tzinfo=UTC)
    labels = [{HEADER: i, "user_id": f"u{i % 4}", "at": begin + dt.timedelta(minutes=11 * i)} for i in range(70)]
    path = write(tmp_path / "labels.parquet", labels, LABELS)
    got, report = training_set(hourly.file, path, sets=hourly.sets())
    oracle = hourly.oracle()
    dates = oracle.labels("2026-10-24T20", "2026-10-25T08")
    names = [f"{name}_{window}" for window in hourly.windows for name in ("n", "kinds", "total", "low", "high", "last_kind", "latest")]
    rows = {(row[0], row[1]): dict(zip(names, row[2:])) for row in oracle.rows("2026-10-24T20", "2026-10-25T08", 6, 2)}
    first = dt.datetime(2026, 10, 24, 18, tzinfo=UTC)  # 20:00 in Stockholm
    ends = {date: first + dt.timedelta(hours=i + 1) for i, date in enumerate(dates)}
    for row, label in zip(got, labels, strict=True):
        date = max((d for d in dates if ends[d] <= label["at"]), key=lambda d: ends[d])
        right = rows.get((date, label["user_id"]), dict.fromkeys(names))
        assert row["n_6h"] == right["n_6h"] and row["total_2d"] == right["total_2d"] and row["last_kind_6h"] == right["last_kind_6h"]
    assert report["pipelines"][0]["matched"] == 70


def test_several_pipelines(world: World):
    world.backfill("2026-03-01", "2026-03-03")
    other = write_pipeline(world.folder / "other.yaml", window="1d", features="events: count(*)\nbuys: count(*) filter (where kind = 'buy')")
    other.write_text(other.read_text().replace("pipeline: small", "pipeline: other").replace("${OUT}", "${OUT}2"))
    world.command("backfill", other, "--start", "2026-03-01", "--end", "2026-03-03")
    path = write(world.folder / "labels.parquet", [{HEADER: 0, "user_id": "u3", "at": dt.datetime(2026, 3, 4, tzinfo=UTC)}], LABELS)
    arguments = ["training-set", world.file, other, "--labels", path, "--label-time", "at"]
    error = call(*arguments, expect=2, sets=world.sets).stderr
    assert "'events' is a column of small and a feature of other" in error and "--prefix" in error
    report = call_json(*arguments, "--prefix", sets=world.sets)
    assert report["columns"] == [HEADER, "user_id", "at", "small__events", "small__clicks", "small__total", "small__latest", "other__events", "other__buys"]
    (row,) = report["rows"]
    assert row["small__events"] > row["other__events"] >= row["other__buys"] > 0
    exact = call_json(*arguments, "--prefix", "--exact", sets=world.sets)["rows"]
    assert exact == report["rows"]  # at midnight of UTC the two ways meet


@pytest.mark.parametrize("exact", [[], ["--exact"]])
def test_no_labels(world: World, exact):
    world.run(date="2026-03-02")
    path = write(world.folder / "labels.parquet", [], LABELS)
    out = world.folder / "set.parquet"
    got, report = training_set(world.file, path, *exact, out=out, sets=world.sets)
    assert got == [] and report["labels"] == 0
    assert pq.read_schema(out).names == [HEADER, "user_id", "at", "events", "clicks", "total", "latest"]
    assert pq.read_schema(out).field("total").type == pa.float64()


def test_a_date_whose_files_are_gone_is_told(world: World):
    world.backfill("2026-03-01", "2026-03-03")
    shutil.rmtree(world.out / "feature_date=2026-03-03")
    labels = [{HEADER: day, "user_id": "u1", "at": dt.datetime(2026, 3, day, 12, tzinfo=UTC)} for day in (3, 4)]
    got, report = training_set(world.file, write(world.folder / "labels.parquet", labels, LABELS), sets=world.sets)
    assert [row["events"] is None for row in got] == [False, True]
    assert "the files of 2026-03-03 are in the ledger and not in the table" in report["warnings"][0]


@pytest.mark.parametrize("exact", [[], ["--exact"]])
def test_one_wide_row_for_very_many_labels(tmp_path, exact):
    """Altogether four times as much text as there is memory."""
    world = World(tmp_path)
    first = dt.datetime(2026, 3, 4, 1)
    rows = [{"event_date": "2026-03-04", "user_id": "u1", "at": first + dt.timedelta(seconds=i), "s": f"{i:0100}"} for i in range(400)]
    write_days(world.events, rows, pa.schema([("user_id", pa.string()), ("at", pa.timestamp("us")), ("s", pa.string())]))
    world.pipeline(source="day: event_date, event_time: at", features="n: count(*)\nseen: collect_list(s)", window="2d")
    world.run(date="2026-03-04")
    count = 20_000
    labels = pa.table({HEADER: range(count), "user_id": ["u1"] * count, "at": pa.array([dt.datetime(2026, 3, 5, 12)] * count, pa.timestamp("us"))})
    path = tmp_path / "labels.parquet"
    pq.write_table(labels, path)
    out = tmp_path / "set.parquet"
    report = call_json("training-set", world.file, "--labels", path, "--label-time", "at", "--out", out, "--memory", "200MB", *exact, sets=world.sets)
    assert report["pipelines"][0]["matched"] == count and report["pipelines"][0]["spilled_bytes"] > 2**29
    assert report["peak_memory"] < 3 * 2**29  # the writer holds a row group of wide rows
    want = [row["s"] for row in rows]
    seen = 0
    for batch in pq.ParquetFile(out).iter_batches(500, columns=[HEADER, "n", "seen"]):
        assert batch[HEADER].to_pylist() == list(range(seen, seen + batch.num_rows))
        assert batch["seen"][0].as_py() == want and batch["seen"].null_count == 0
        assert set(batch["n"].to_pylist()) == {400} and len(batch["seen"].flatten()) == 400 * batch.num_rows
        seen += batch.num_rows
    assert seen == count


def test_a_label_before_all_time_takes_nothing_from_others(world: World):
    ends = pa.array([-(2**63) + 1, 1772625600_000_000, 2**63 - 1], pa.int64()).cast(pa.timestamp("us", "UTC"))
    labels = world.folder / "labels.parquet"
    pq.write_table(pa.table({HEADER: [0, 1, 2], "user_id": ["u1"] * 3, "at": ends}), labels)
    alone = world.folder / "alone.parquet"
    pq.write_table(pq.read_table(labels).slice(1, 1), alone)
    counts = []
    for path in (alone, labels):  # times that Python has no type for
        call("training-set", world.file, "--labels", path, "--label-time", "at", "--exact", "--out", path.with_suffix(".out"), sets=world.sets)
        counts.append(pq.read_table(path.with_suffix(".out"), columns=["events"])["events"].to_pylist())
    assert counts[0][0] is not None and counts[1] == [None, counts[0][0], None]


def test_events_in_no_window_cannot_fail_a_feature(tmp_path):
    world = World(tmp_path)
    schema = pa.schema([("user_id", pa.string()), ("at", pa.timestamp("us")), ("s", pa.string())])
    good = [{"event_date": "2026-03-04", "user_id": "u1", "at": dt.datetime(2026, 3, 4, hour), "s": "5"} for hour in range(6)]
    world.pipeline(source="day: event_date, event_time: at", features="n: sum(cast(s as bigint))", window="2d")
    label_schema = pa.schema([(HEADER, pa.int64()), ("user_id", pa.string()), ("at", pa.timestamp("us"))])
    labels = [{HEADER: 0, "user_id": "u1", "at": dt.datetime(2026, 3, 4, 12)}, {HEADER: 1, "user_id": "u2", "at": dt.datetime(2026, 3, 5)}]
    path = write(tmp_path / "labels.parquet", labels, label_schema)
    for user, hour in (("u9", 2), ("u1", 20)):
        bad = {"event_date": "2026-03-04", "user_id": user, "at": dt.datetime(2026, 3, 4, hour), "s": "bad"}
        write_days(world.events, [*good, bad], schema)
        got, _ = training_set(world.file, path, "--exact", sets=world.sets)
        assert [row["n"] for row in got] == [30, None]


def test_nothing_is_published_yet(world: World):
    path = write(world.folder / "labels.parquet", [{HEADER: 0, "user_id": "u1", "at": dt.datetime(2026, 3, 4, tzinfo=UTC)}], LABELS)
    got, report = training_set(world.file, path, sets=world.sets)
    assert got[0]["events"] is None and report["pipelines"][0]["without_features"]["no_date"] == 1
    assert "no feature date is published" in report["warnings"][0]


def test_columns_that_do_not_fit(world: World):
    world.run(date="2026-03-02")
    schema = pa.schema([("user", pa.int64()), ("shown_at", pa.string()), ("at", pa.date32()), ("events", pa.int64())])
    path = write(world.folder / "labels.parquet", [], schema)
    begin = ["training-set", world.file, "--labels", path]

    def error(*flags: object) -> str:
        return call(*begin, *flags, expect=2, sets=world.sets).stderr

    both = error("--label-time", "showed_at")
    assert "no column 'showed_at'" in both and "did you mean 'shown_at'?" in both
    assert "no column 'user_id', an entity column of small" in both and "--on COLUMN=user_id" in both
    assert "column is of type string" in error("--label-time", "shown_at", "--on", "user=user_id")
    assert "'user' is of type int64, and the entity column 'user_id' of small is of type string" in error("--label-time", "at", "--on", "user=user_id")
    assert "did you mean 'user_id'?" in error("--label-time", "at", "--on", "user=userid")
    assert "is no pair of columns" in error("--label-time", "at", "--on", "user")
    assert "is no length of time" in error("--label-time", "at", "--max-age", "7")
    assert "--max-age is for published features" in error("--label-time", "at", "--max-age", "7d", "--exact")
    assert "there are no labels at" in call("training-set", world.file, "--labels", world.folder / "nope", "--label-time", "at", expect=1, sets=world.sets).stderr


def test_what_is_there_is_replaced_only_when_asked(world: World):
    world.run(date="2026-03-02")
    labels = [{HEADER: 0, "user_id": "u1", "at": dt.datetime(2026, 3, 4, tzinfo=UTC)}]
    path = write(world.folder / "labels.parquet", labels, LABELS)
    arguments = ["training-set", world.file, "--labels", path, "--label-time", "at", "--out"]
    directory, file = world.folder / "sets" / "one", world.folder / "sets" / "one.parquet"
    for out in (directory, file):
        call(*arguments, out, sets=world.sets)
        assert "--overwrite" in call(*arguments, out, sets=world.sets, expect=2).stderr
    write(path, labels * 3, LABELS)
    for out in (directory, file):
        call(*arguments, out, "--overwrite", sets=world.sets)
        assert pq.read_table(out).num_rows == 3
    (directory / "notes.txt").write_text("mine")
    assert "'notes.txt', which is no part" in call(*arguments, directory, "--overwrite", sets=world.sets, expect=2).stderr
    # A failure leaves what is there, and nothing beside it.
    part = next((world.out / "feature_date=2026-03-02").glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-20])
    call(*arguments, file, "--overwrite", sets=world.sets, expect=1)
    assert pq.read_table(file).num_rows == 3
    assert sorted(p.name for p in (world.folder / "sets").iterdir()) == ["one", "one.parquet"]


def test_partition_columns_are_columns_of_labels(disk_delta):
    """And the features are in a Delta table."""
    disk_delta.backfill("2026-03-01", "2026-03-03")
    rows = [{HEADER: i, "user_id": f"u{i % 7}", "at": dt.datetime(2026, 3, 1, 6 * i % 24, tzinfo=UTC) + dt.timedelta(days=i % 5), "fold": i % 2} for i in range(20)]
    for fold in (0, 1):
        write(disk_delta.folder / f"hive/fold={fold}/part-0.parquet", [row for row in rows if row["fold"] == fold], LABELS)
    got, _ = training_set(disk_delta.file, disk_delta.folder / "hive", sets=disk_delta.sets)
    assert sorted(row[HEADER] for row in got) == list(range(20)) and all(row["fold"] == row[HEADER] % 2 for row in got)
    of = {date: {row["user_id"]: row["events"] for row in disk_delta.rows(date)} for date in ("2026-03-01", "2026-03-02", "2026-03-03")}
    for row in got:
        date = min(str(row["at"].date() - dt.timedelta(days=1)), "2026-03-03")
        assert row["events"] == of.get(date, {}).get(row["user_id"])


def test_labels_of_a_delta_table(disk_delta):
    disk_delta.backfill("2026-03-01", "2026-03-03")
    rows = [{HEADER: i, "user_id": f"u{i % 7}", "at": dt.datetime(2026, 3, 2 + i % 3, tzinfo=UTC)} for i in range(20)]
    table = disk_delta.folder / "labels"
    disk_delta.deltars.write(table, pa.Table.from_pylist(rows, schema=LABELS))
    got, _ = training_set(disk_delta.file, table, sets=disk_delta.sets)
    of = {date: {row["user_id"]: row["events"] for row in disk_delta.rows(date)} for date in ("2026-03-01", "2026-03-02", "2026-03-03")}
    assert sorted((row[HEADER], row["events"]) for row in got if row["events"]) == sorted(
        (row[HEADER], of[date][row["user_id"]]) for row in rows if row["user_id"] in of[date := str(row["at"].date() - dt.timedelta(days=1))]
    )


def test_features_that_were_defined_anew(world: World):
    world.backfill("2026-03-01", "2026-03-02")
    world.pipeline(features="events: count(*)\nclicks: count(*) filter (where kind = 'buy')")
    world.run(date="2026-03-03")
    labels = [{HEADER: day, "user_id": "u3", "at": dt.datetime(2026, 3, day, tzinfo=UTC)} for day in (3, 4)]
    path = write(world.folder / "labels.parquet", labels, LABELS)
    _, report = training_set(world.file, path, sets=world.sets)
    (warning,) = report["warnings"]
    assert "feature 'clicks' is defined otherwise from 2026-03-03 on" in warning


def test_in_a_bucket(remote):
    remote.backfill("2026-03-01", "2026-03-03")
    labels = [{HEADER: i, "user_id": f"u{i % 7}", "at": dt.datetime(2026, 3, 4, i, tzinfo=UTC)} for i in range(10)]
    path = write(remote.folder / "labels" / "part-0.parquet", labels, LABELS)
    remote.s3.replace(f"{remote.bucket}/labels", path.parent)
    place, out = f"s3://{remote.bucket}/labels", f"s3://{remote.bucket}/sets/one.parquet"
    events = {row["user_id"]: row["events"] for row in remote.rows("2026-03-03")}
    arguments = ["training-set", remote.file, "--labels", place, "--label-time", "at"]
    for flags in ([], ["--exact"]):
        remote.command(*arguments, "--out", out, "--overwrite", *flags)
        got = pq.read_table(remote.s3.path_of(remote.bucket, "sets/one.parquet")).to_pylist()
        assert [row[HEADER] for row in got] == list(range(10))
        if not flags:
            assert [row["events"] for row in got] == [events.get(row["user_id"]) for row in got]
        else:
            assert all(row["events"] for row in got)
    assert "the file exists" in remote.command(*arguments, "--out", out, expect=2).stderr
    assert "holds no directories" in remote.command(*arguments, "--out", f"s3://{remote.bucket}/sets/two", expect=2).stderr
