"""Dimensions that events are joined with: what runs, reports, ledgers and errors say of them."""

import datetime as dt
import json
import os
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tidemill
from sources import clicks, write_days, write_file
from tidemill_command import call, call_json, fingerprint, published
from world import DATE, World

USERS = pa.schema([("id", pa.string()), ("country", pa.string()), ("level", pa.int32())])
PEOPLE = [{"id": f"u{i}", "country": ("de", "se", None)[i % 3], "level": i} for i in range(5)]
FEATURES = "events: count(*)\nknown: count(level)\ncountries: max(country)\nlevels: sum(level)"


def joined(world: World, join: str, features: str = FEATURES, more: str = "", **parts: str) -> Path:
    return world.pipeline(source=f"day: event_date, event_time: at, join: [{join}]{more}", features=features, **parts)


def users(folder: Path, rows: list[dict] = PEOPLE) -> Path:
    write_file(folder / "users" / "part-0.parquet", rows, USERS)
    return folder / "users"


def join_of(folder: Path, more: str = "") -> str:
    return f"{{path: {folder / 'users'}, key: {{user_id: id}}, columns: [country, level]{more}}}"


def test_left_keeps_and_inner_leaves_out(world: World) -> None:
    users(world.folder)
    joined(world, join_of(world.folder))
    report = world.report()
    rows = {row["user_id"]: row for row in world.rows()}
    assert {user: row["levels"] for user, row in rows.items()} == {
        f"u{i}": i * rows[f"u{i}"]["events"] if i < 5 else None for i in range(7) if f"u{i}" in rows
    }
    missing = sum(row["events"] for user, row in rows.items() if user in ("u5", "u6"))
    assert missing > 0
    (join,) = report["joins"]
    assert (join["type"], join["rows"], join["unmatched"], join["dimension_rows"]) == ("left", report["rows_read"], missing, 5)
    assert report["rows_unmatched"] == 0

    joined(world, join_of(world.folder, ", type: inner"), checks="input: [row_count = 120, null_count(level) > 0]")
    inner = world.report()
    assert {row["user_id"] for row in world.rows()} == {user for user in rows if user not in ("u5", "u6")}
    assert inner["rows_unmatched"] == inner["joins"][0]["unmatched"] == missing
    text = world.run().stdout
    assert "without a match, left out" in text


def test_a_repeated_key_is_named(world: World) -> None:
    users(world.folder, [*PEOPLE, {"id": "u3"}, {"id": "u1"}, {"id": None}, {"id": None}, {"id": "u1"}])
    joined(world, join_of(world.folder))
    world.fails(1, "not unique in its key: id = u1 is there 3 times; 2 keys are there more than once", str(world.folder / "users"))


def test_where_checks_and_columns_see_what_is_joined(world: World) -> None:
    users(world.folder)
    where = ", where: \"country = 'de'\", columns: {twice: level * 2}"
    joined(world, join_of(world.folder), more=where, features="twice: sum(twice)\nn: count(*)", entity="country")
    report = world.report()
    (row,) = world.rows()
    assert row["country"] == "de" and row["n"] == report["joins"][0]["rows"]
    assert report["rows_filtered"] == report["rows_read"] - row["n"]


@pytest.mark.parametrize(
    "join, words",
    [
        ("{path: P, key: nope, columns: [level]}", ["unknown column 'nope' in the key of a join"]),
        ("{path: P, key: {user_id: idd}, columns: [level]}", ["unknown column 'idd'", "did you mean 'id'?"]),
        ("{path: P, key: {user_id: id}, columns: [levle]}", ["unknown column 'levle'", "did you mean 'level'?"]),
        ("{path: P, key: {user_id: id}, columns: [{kind: level}]}", ["the source already has a column 'kind'"]),
        ("{path: P, key: {user_id: id}, columns: [level, {level: country}]}", ["names 'level' twice"]),
        ("{path: P, key: {user_id: level}, columns: [country]}", ["'user_id' is text", "'level' of the dimension is integer"]),
        ("{path: P, key: {user_id: id}, columns: [level], as_of: day}", ["no partition column that holds dates"]),
        ("{path: P, key: {user_id: id}}", ["adds no columns"]),
        ("{path: P, kee: {user_id: id}, columns: [level]}", ["unknown key 'kee'", "did you mean 'key'?"]),
        ("{path: P, key: {user_id: id}, columns: [level], version: 3}", ["is no Delta table and has no versions"]),
    ],
)
def test_faults_have_their_place(world: World, join: str, words: list[str]) -> None:
    users(world.folder)
    joined(world, join.replace("P", str(world.folder / "users")))
    world.fails(2, *words)
    done = world.command("lint", world.file, expect=2)
    for word in words:
        assert word in done.stderr


def test_the_day_must_not_come_out_of_a_dimension(world: World) -> None:
    write_file(world.folder / "users/a.parquet", [{"id": "u1", "since": dt.date(2026, 3, 1)}], pa.schema([("id", pa.string()), ("since", pa.date32())]))
    join = f"join: {{path: {world.folder / 'users'}, key: {{user_id: id}}, columns: [since]}}"
    world.pipeline(source=f"day: since, event_time: at, {join}")
    world.fails(2, "the day of an event comes out of a joined dimension")


def test_times_beyond_the_finer_unit_of_the_other_side_find_nothing(tmp_path: Path) -> None:
    far, near = dt.datetime(9999, 12, 31), dt.datetime(2026, 3, 1)
    micros, nanos = pa.timestamp("us"), pa.timestamp("ns")
    for events, dimension in ((nanos, micros), (micros, nanos)):
        world = World(tmp_path / events.unit)
        rows = [{"event_date": DATE, "id": 1, "k": near}, {"event_date": DATE, "id": 2, "k": None if events == nanos else far}]
        write_days(world.events, rows, pa.schema([("id", pa.int64()), ("k", events)]))
        there = [near] if dimension == nanos else [near, far]
        write_file(world.folder / "times/a.parquet", [{"k": time, "v": 7} for time in there], pa.schema([("k", dimension), ("v", pa.int64())]))
        join = f"join: {{path: {world.folder / 'times'}, key: k, columns: [v]}}"
        world.pipeline(source=f"day: event_date, {join}", entity="id", features="v: max(v)")
        world.run()
        assert {row["id"]: row["v"] for row in world.rows()} == {1: 7, 2: None}


def test_tables_that_hold_each_other(world: World) -> None:
    users(world.folder)
    for output, words in ((world.folder / "users/out", "the dimension holds the output"), (world.folder, "the dimension lies in the output")):
        joined(world, join_of(world.folder))
        assert words in call("run", world.file, "--date", DATE, sets={**world.sets, "OUT": output}, expect=2).stderr


def test_columns_that_nobody_uses_are_not_read(world: World) -> None:
    place = users(world.folder)
    joined(world, join_of(world.folder), features="levels: sum(level)")
    (dimension,) = call_json("plan", world.file, "--date", DATE, sets=world.sets)["dimensions"]
    assert dimension["columns"] == ["id", "level"] and dimension["rows"] == 5 and dimension["memory_bytes"] > 0
    assert "joins" in call("plan", world.file, "--date", DATE, sets=world.sets).stdout
    joined(world, join_of(world.folder), features="n: count(*)")
    pq.write_table(pa.concat_tables([pq.read_table(place / "part-0.parquet")] * 2), place / "part-0.parquet")
    assert world.report()["joins"] == []  # nothing of it is needed, so nothing is looked up


def test_a_changed_dimension_makes_dates_stale(world: World) -> None:
    place = users(world.folder)
    joined(world, join_of(world.folder))
    world.backfill("2026-03-03", DATE)
    assert world.states("2026-03-03") == {"2026-03-03": "done", DATE: "done"}
    users(world.folder, PEOPLE[:4])
    status = call_json("status", world.file, "--start", DATE, "--end", DATE, sets=world.sets)
    (date,) = status["dates"]
    assert date["status"] == "stale" and f"join {place}: 1 file rewritten (part-0.parquet)" in date["reason"]


def test_a_dated_dimension_concerns_the_windows_that_hold_its_days(world: World) -> None:
    for day, level in ((1, 10), (3, 30), (5, 50)):
        write_file(world.folder / f"users/day=2026-03-0{day}/a.parquet", [{"id": f"u{i}", "level": level} for i in range(9)], USERS)
    joined(world, join_of(world.folder, ", as_of: day"), features="low: min(level)\nhigh: max(level)\nn: count(*)", window="2d")
    world.backfill("2026-03-01", "2026-03-05")
    seen = {day: {(row["low"], row["high"]) for row in world.rows(f"2026-03-0{day}")} for day in range(1, 6)}
    assert seen[1] == {(10, 10)} and seen[2] == {(10, 10)} and (30, 30) in seen[4] and max(high for _, high in seen[5]) == 50
    write_file(world.folder / "users/day=2026-03-03/a.parquet", [{"id": "u1", "level": 31}], USERS)
    assert world.states("2026-03-01", "2026-03-05") == {
        "2026-03-01": "done", "2026-03-02": "done", "2026-03-03": "stale", "2026-03-04": "stale", "2026-03-05": "stale"
    }  # fmt: skip
    # Of 03-05 the day before sees the partition of 03-03.
    assert world.report(date="2026-03-02")["joins"][0]["dimension_rows"] == 9


def test_an_event_before_the_first_partition_finds_nothing(world: World) -> None:
    write_file(world.folder / "users/day=2026-03-04/a.parquet", [{"id": f"u{i}", "level": 1} for i in range(9)], USERS)
    joined(world, join_of(world.folder, ", as_of: day, day: day"), features="known: count(level)\nn: count(*)")
    report = world.report()
    assert report["joins"][0]["unmatched"] == 80  # of the two days before
    assert sum(row["known"] for row in world.rows()) == 40


def test_a_file_an_empty_file_and_no_file(world: World) -> None:
    users(world.folder)
    joined(world, join_of(world.folder).replace("users,", "users/part-0.parquet,"))
    alone = world.report()
    rows = world.rows()
    joined(world, join_of(world.folder))
    world.report()
    assert world.rows() == rows and alone["joins"][0]["dimension_rows"] == 5
    users(world.folder, [])
    empty = world.report()
    assert empty["joins"][0]["unmatched"] == empty["rows_read"]
    os.remove(world.folder / "users/part-0.parquet")
    world.fails(1, "no Parquet files in", str(world.folder / "users"))


def test_a_delta_dimension_and_its_versions(world: World) -> None:
    """What this program publishes as Delta is a dimension of another pipeline."""
    world.pipeline(features="events: count(*)", output="format: delta")
    table = world.folder / "levels"
    call("run", world.file, "--date", "2026-03-02", sets={**world.sets, "OUT": table})
    call("run", world.file, "--date", "2026-03-03", sets={**world.sets, "OUT": table})
    join = f"{{path: {table}, key: [user_id], columns: [{{level: events}}], as_of: day"
    joined(world, join + "}", features="level: max(level)\nn: count(*)")
    latest = world.report()
    joined(world, join + ", version: 0}", features="level: max(level)\nn: count(*)")
    first = world.report()
    assert latest["joins"][0]["dimension_rows"] > first["joins"][0]["dimension_rows"] > 0
    joined(world, join + ", version: 99}", features="level: max(level)\nn: count(*)")
    world.fails(1, "99")


def test_a_dimension_larger_than_memory_is_joined_in_parts(tmp_path: Path) -> None:
    rnd = random.Random(4)
    world = World(tmp_path)
    clicks(world.events, users=5000, per_day=4000)
    names = [f"u{i}" for i in range(300_000)]
    rnd.shuffle(names)
    table = pa.table({"id": names, "country": [("de", "se", "fr")[i % 3] for i in range(len(names))], "level": pa.array(range(len(names)), pa.int32())})
    for part in range(4):
        (tmp_path / "users").mkdir(exist_ok=True)
        pq.write_table(table.slice(part * 75_000, 75_000), tmp_path / f"users/part-{part}.parquet", row_group_size=20_000)
    for kind, more in (("left", ""), ("inner", ", where: \"level > 1000 and kind <> 'view'\"")):
        joined(world, join_of(tmp_path, f", type: {kind}"), more=more, checks="input: [null_count(level) >= 0]", window="2d")
        whole = world.report("--memory", "2GB")
        before = fingerprint(world.out)
        parts = world.report("--memory", "1MB")
        assert fingerprint(world.out) == before
        assert whole["spilled_bytes"] == 0 and parts["spilled_bytes"] > 0
        assert parts["joins"] == whole["joins"] and parts["rows_unmatched"] == whole["rows_unmatched"]
        assert parts["rows_filtered"] == whole["rows_filtered"]
    twice = pa.concat_tables([table, table.slice(7, 5)])
    pq.write_table(twice, tmp_path / "users/part-0.parquet")
    for part in (1, 2, 3):
        os.remove(tmp_path / f"users/part-{part}.parquet")
    first = sorted(names[7:12])[0]
    for memory in ("2GB", "1MB"):
        stderr = world.run("--memory", memory, expect=1).stderr
        assert f"id = {first} is there 2 times; 5 keys are there more than once" in stderr
    # Not one event has a key of most parts.
    clicks(world.events, users=1, per_day=3)
    for memory in ("2GB", "1MB"):
        assert f"id = {first} is there 2 times" in world.run("--memory", memory, expect=1).stderr


def test_hours_see_the_dimension_of_their_day(tmp_path: Path) -> None:
    rows = [{"event_date": day, "at": dt.datetime.fromisoformat(f"{day}T{hour:02}:30:00"), "user_id": "a"} for day in ("2026-03-01", "2026-03-02") for hour in (0, 23)]
    write_days(tmp_path / "events", rows, pa.schema([("user_id", pa.string()), ("at", pa.timestamp("us"))]))
    for day in ("2026-03-01", "2026-03-02"):
        write_file(tmp_path / f"users/day={day}/a.parquet", [{"id": "a", "country": day}], USERS)
    world = World(tmp_path)
    join = join_of(tmp_path, ", as_of: day")
    world.pipeline(
        source=f"day: event_date, event_time: at, join: [{join}]",
        more="grain: hour",
        window="2h",
        features="first: min(country)\nlast: max(country)",
        output="partition_by: [feature_date, feature_hour]",
    )
    world.run(date="2026-03-02T00")
    (row,) = call_json("preview", world.file, "--date", "2026-03-02T00", sets=world.sets)["rows"]
    assert "2026-03-01" in str(row) and "2026-03-02" in str(row)


def test_built_in_python_from_tables_in_memory(world: World) -> None:
    table = pa.Table.from_pylist(PEOPLE, schema=USERS)
    users(world.folder)
    pipeline = (
        tidemill.pipeline("small")
        .source(world.events, day="event_date", event_time="at")
        .join(table, key={"user_id": "id"}, columns={"tier": "level"}, type="left")
        .join(world.folder / "users", key={"user_id": "id"}, columns=["country"], type="inner")
        .entity("user_id")
        .window("3d")
        .features(tier="max(tier)", country="max(country)")
        .output(world.out)
    )
    report = pipeline.run(DATE)
    assert [join.type for join in report.joins] == ["left", "inner"] and report.joins[0].dimension_rows == 5
    assert {row["user_id"]: row["tier"] for row in world.rows()} == {f"u{i}": i for i in range(5) if f"u{i}" in {r["user_id"] for r in world.rows()}}
    assert pipeline.plan(DATE).dimensions[0].columns == ["id", "level"]


def test_the_ledger_keeps_the_files_of_dimensions(world: World) -> None:
    users(world.folder)
    joined(world, join_of(world.folder))
    world.run()
    entry = json.loads((world.out / f"_tidemill/dates/{DATE}.json").read_text())["published"]
    (dimension,) = entry["other_inputs"]
    assert (dimension["role"], dimension["path"]) == ("join", str(world.folder / "users"))
    assert [file[0] for file in dimension["files"]] == ["part-0.parquet"]
    assert published(world.out, DATE).num_rows == entry["rows_written"]
