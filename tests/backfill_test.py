"""Backfills: the bytes of single runs, states of dates, late data, bad dates, passes and memory."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tidemill_command import call, call_json

PIPELINE = """
pipeline: late
source: {path: "${EVENTS}", day: event_date, event_time: at}
entity: user_id
window: 5d
checks:
  input: ["null_rate(user_id) < 0.5"]
features:
  n: {expr: count(*), windows: [1d, 3d, 5d]}
  things: {expr: count(distinct thing), windows: [1d, 5d]}
  kinds: count(distinct kind)
  total: sum(value)
  last_thing: last(thing)
  spread: stddev_samp(value)
output: {path: "${OUT}", partition_by: [feature_date]}
"""
DAYS = [f"2026-03-{day:02d}" for day in range(1, 16)]


def write_day(folder: Path, day: str, name: str = "part-0.parquet", rows: int = 900, null_users: bool = False) -> None:
    seed = int(hashlib.sha256(f"{day}{name}".encode()).hexdigest()[:8], 16)
    users = [None if null_users else f"u{(seed + i * i) % 211}" for i in range(rows)]
    table = pa.table(
        {
            "user_id": pa.array(users, pa.string()),
            "thing": pa.array([f"t{(seed + i * 7) % 400}" for i in range(rows)]),
            "kind": pa.array([f"k{(seed + i) % 5}" for i in range(rows)]),
            "value": pa.array([((seed + i * 31) % 1000) / 7 for i in range(rows)]),
            "at": pa.array([1772323200000000 + DAYS.index(day) * 86400000000 + i * 1000 for i in range(rows)],
                           pa.timestamp("us")),
        }
    )
    path = folder / f"event_date={day}"
    path.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path / name, row_group_size=256)


class Backfills:
    """Fifteen days of events, the pipeline over them, and commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events = folder / "events"
        for day in DAYS:
            write_day(self.events, day)
        self.pipeline = folder / "late.yaml"
        self.pipeline.write_text(PIPELINE)
        self.outs = 0

    def out(self) -> Path:
        self.outs += 1
        return self.folder / f"out{self.outs}"

    def sets(self, out: Path) -> dict[str, object]:
        return {"EVENTS": self.events, "OUT": out}

    def call(self, command: str, out: Path, *flags: object, code: int = 0, pipeline: Path | None = None):
        return call(command, pipeline or self.pipeline, *flags, sets=self.sets(out), expect=code)

    def json(self, command: str, out: Path, *flags: object, code: int = 0, pipeline: Path | None = None) -> dict:
        return call_json(command, pipeline or self.pipeline, *flags, sets=self.sets(out), expect=code)


@pytest.fixture
def world(tmp_path: Path) -> Backfills:
    return Backfills(tmp_path)


def hashes(out: Path) -> dict[str, str]:
    return {str(p.relative_to(out)): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.rglob("*.parquet"))}


RANGE = ("--start", "2026-03-04", "--end", "2026-03-12")


def test_bytes_do_not_depend_on_how_dates_are_computed(world: Backfills) -> None:
    single = world.out()
    for day in DAYS[3:12]:
        world.call("run", single, "--date", day)
    expected = hashes(single)
    assert len(expected) == 9
    for flags in (
        (),
        ("--threads", 1),
        ("--threads", 2, "--parallel", 3),
        ("--pass-days", 1),
        ("--pass-days", 7),
        ("--memory", "1MB"),
        ("--memory", "1MB", "--threads", 1, "--pass-days", 4),
    ):
        out = world.out()
        report = world.json("backfill", out, *RANGE, *flags)
        assert [d["status"] for d in report["dates"]] == ["done"] * 9
        assert hashes(out) == expected, f"files differ with {flags}"
        if "1MB" in flags:
            assert report["spilled_bytes"] > 0


def test_one_pass_reads_each_day_once(world: Backfills) -> None:
    report = world.json("backfill", world.out(), *RANGE)
    assert report["passes"] == 1
    assert report["rows_read"] == 900 * 12


def test_weekly_dates(world: Backfills) -> None:
    out = world.out()
    report = world.json("backfill", out, "--start", "2026-03-01", "--end", "2026-03-15", "--every", "7d")
    assert [d["feature_date"] for d in report["dates"]] == ["2026-03-01", "2026-03-08", "2026-03-15"]
    assert report["rows_read"] == 900 * 11  # days that no window holds are not read


def test_late_day_makes_its_windows_stale_and_only_those_are_recomputed(world: Backfills) -> None:
    out = world.out()
    world.call("backfill", out, *RANGE)
    before = hashes(out)
    write_day(world.events, "2026-03-06", "late.parquet", rows=40)
    status = world.json("status", out, *RANGE)
    stale = [d["feature_date"] for d in status["dates"] if d["status"] == "stale"]
    assert stale == [f"2026-03-{day:02d}" for day in range(6, 11)]
    assert all(d["changed_days"] == ["2026-03-06"] for d in status["dates"] if d["status"] == "stale")
    report = world.json("backfill", out, *RANGE, "--only", "stale")
    assert [d["feature_date"] for d in report["dates"] if d["status"] == "done"] == stale
    after = hashes(out)
    changed = [name for name in after if before[name] != after[name]]
    assert changed == [f"feature_date={date}/part-00000.parquet" for date in stale]
    assert {d["status"] for d in world.json("status", out, *RANGE)["dates"]} == {"done"}


def test_bad_dates_fail_alone_and_say_why(world: Backfills) -> None:
    out = world.out()
    for day in ("2026-03-07", "2026-03-08", "2026-03-09"):
        write_day(world.events, day, null_users=True)
    report = world.json("backfill", out, *RANGE, code=1)
    states = {d["feature_date"]: d["status"] for d in report["dates"]}
    assert states["2026-03-06"] == "done"
    assert states["2026-03-09"] == "failed"
    assert any("null_rate(user_id)" in d["reason"] for d in report["dates"] if d["status"] == "failed")
    status = {d["feature_date"]: d for d in world.json("status", out, *RANGE)["dates"]}
    assert {date: state["status"] for date, state in status.items()} == states
    assert "null_rate(user_id)" in status["2026-03-09"]["reason"]


def test_a_new_meaning_changes_dates_and_a_new_comment_does_not(world: Backfills, tmp_path: Path) -> None:
    out = world.out()
    world.call("run", out, "--date", "2026-03-08")
    flags = ("--start", "2026-03-08", "--end", "2026-03-09")
    cosmetic = tmp_path / "cosmetic.yaml"
    cosmetic.write_text("# a comment\ndescription: other words\n" + PIPELINE)
    states = [d["status"] for d in world.json("status", out, *flags, pipeline=cosmetic)["dates"]]
    assert states == ["done", "missing"]
    other = tmp_path / "other.yaml"
    other.write_text(PIPELINE.replace("total: sum(value)", "total: sum(value * 2)"))
    first = world.json("status", out, *flags, pipeline=other)["dates"][0]
    assert first["status"] == "changed"
    assert "total" in first["reason"] and "kinds" not in first["reason"]


def test_history_and_vacuum(world: Backfills) -> None:
    out = world.out()
    world.call("backfill", out, *RANGE)
    world.call("run", out, "--date", "2026-03-08")
    runs = call_json("table", "history", out)["runs"]
    assert [run["command"] for run in runs] == ["backfill", "run"]
    assert len(runs[0]["dates"]) == 9
    assert call_json("table", "vacuum", out)["leftovers"] == []
    dead = out.parent / f".{out.name}.tidemill-staging" / "dead-run"
    dead.mkdir(parents=True)
    (dead / "lock").touch()
    (dead / "part-0.parquet").write_bytes(b"x" * 100)
    assert [x["bytes"] for x in call_json("table", "vacuum", out)["leftovers"]] == [100]
    assert dead.exists()
    call_json("table", "vacuum", out, "--apply")
    assert not dead.exists()


@pytest.mark.parametrize(
    "flags",
    [
        ("--start", "2026-03-09", "--end", "2026-03-08"),
        ("--start", "2026-03-32", "--end", "2026-03-08"),
        ("--start", "2026-03-08", "--end", "2026-03-09", "--only", "borrowed"),
        ("--start", "2026-03-08", "--end", "2026-03-09", "--every", "0d"),
        ("--start", "2026-03-08"),
    ],
)
def test_wrong_requests_exit_2(world: Backfills, flags: tuple) -> None:
    result = world.call("backfill", world.out(), *flags, code=2)
    assert result.stderr.strip()
