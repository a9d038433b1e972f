"""output.entities: entities of a table that have a row whether or not they have events."""

import json
import random
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sources import write_days
from tidemill_command import call, call_json, fingerprint
from world import DATE, World

START, END = "2026-03-01", "2026-03-05"
FEATURES = """
  events: count(*)
  recent: {expr: count(*), window: 1d}
  total: sum(value)
  filled: {expr: sum(value), default: 0}
  kinds: count(distinct kind)
  distinct_total: sum(distinct cast(value as bigint))
  share: case when events > 0 then recent / events else 0.0 end
  latest: max(at)
"""
WITHOUT_EVENTS = {"events": 0, "recent": 0, "total": None, "filled": 0.0, "kinds": 0, "distinct_total": None, "share": 0.0, "latest": None}


def entities(world: World, values: list, name: str = "id", type: pa.DataType | None = None, **options) -> Path:
    folder = world.folder / "entities"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pq.write_table(pa.table({name: pa.array(values, type or pa.string()), "more": range(len(values))}), folder / "part-0.parquet", **options)
    return folder


def with_entities(world: World, spec: str = "column: id", **parts: str) -> World:
    parts.setdefault("features", FEATURES)
    world.pipeline(output=f'partition_by: [feature_date], entities: {{path: "{world.folder}/entities", {spec}}}', **parts)
    return world


def by_user(world: World, date: str = DATE) -> dict:
    return {row.pop("user_id"): row for row in (dict(row) for row in world.rows(date))}


def entry(world: World, date: str = DATE) -> dict:
    return json.loads((world.out / f"_tidemill/dates/{date}.json").read_text())["published"]


def test_entities_without_events_have_a_row(world):
    world.pipeline(features=FEATURES)
    world.run()
    alone = by_user(world)
    entities(world, ["u1", "z", "a", "z", None, "u3", "a"])
    report = with_entities(world).report()
    rows = by_user(world)
    assert rows == {"a": WITHOUT_EVENTS, **alone, "z": WITHOUT_EVENTS}
    assert list(rows) == sorted(rows)
    assert report["rows_written"] == report["entities"] == len(alone) + 2
    inputs = entry(world)["other_inputs"]
    assert [(one["role"], one["path"]) for one in inputs] == [("entities", f"{world.folder}/entities")]


def test_a_table_of_one_file(world):
    file = entities(world, ["z", "u1"]) / "part-0.parquet"
    world.pipeline(output=f'partition_by: [feature_date], entities: {{path: "{file}", column: id}}', features=FEATURES)
    world.run()
    assert by_user(world)["z"] == WITHOUT_EVENTS
    text = call("sql", world.file, "--date", DATE, "--dialect", "duckdb", sets=world.sets).stdout
    assert "z" in {row[0] for row in duckdb.sql(text).fetchall()}


def test_dates_without_any_events(world):
    entities(world, ["a", "b"])
    report = with_entities(world).report(date="2026-04-20")
    assert report["status"] == "done" and by_user(world, "2026-04-20") == {"a": WITHOUT_EVENTS, "b": WITHOUT_EVENTS}


def test_an_empty_table_of_entities_changes_nothing(world):
    world.pipeline(features=FEATURES)
    world.run()
    want = fingerprint(world.out)
    entities(world, [])
    with_entities(world).run()
    assert fingerprint(world.out) == want


@pytest.mark.parametrize("policy", ["keep", "drop", "error"])
def test_null_entities(world, policy):
    entities(world, ["x", None, None])
    with_entities(world, more=f"null_entity: {policy}").run()
    rows = by_user(world)
    assert (None in rows) == (policy == "keep") and rows["x"] == WITHOUT_EVENTS


@pytest.mark.parametrize("flags", [[], ["--memory", "1MB"], ["--threads", "1", "--pass-days", "2"]])
def test_backfill_equals_runs(world, flags):
    entities(world, [f"e{i:04}" for i in range(3000)] + ["u2"], row_group_size=500)
    with_entities(world)
    report = world.backfill("2026-02-27", "2026-03-09", *flags)
    assert all(date["status"] == "done" for date in report["dates"])
    many = fingerprint(world.out)
    shutil.rmtree(world.out)
    for date in report["dates"]:
        world.run(date=date["feature_date"])
    assert fingerprint(world.out) == many
    assert len(by_user(world, "2026-03-09")) == 3001


def test_composite_entities_by_list_and_by_name(tmp_path):
    world = World(tmp_path)
    schema = pa.schema([("u", pa.int32()), ("c", pa.string()), ("x", pa.int64())])
    write_days(world.events, [{"event_date": DATE, "u": 1, "c": "se", "x": 5}, {"event_date": DATE, "u": 2, "c": "no", "x": 6}], schema)
    folder = tmp_path / "entities"
    for country, users in (("se", [1, 3]), ("no", [9])):
        path = folder / f"land={country}/part-0.parquet"
        path.parent.mkdir(parents=True)
        pq.write_table(pa.table({"id": pa.array(users, pa.int64())}), path)
    for spec in ("columns: [id, land]", "columns: {c: land, u: id}"):
        with_entities(world, spec, source="day: event_date", entity="[u, c]", features="n: count(*)\n total: sum(x)")
        world.run()
        got = [(row["u"], row["c"], row["n"], row["total"]) for row in world.rows()]
        assert got == [(1, "se", 1, 5), (2, "no", 1, 6), (3, "se", 0, None), (9, "no", 0, None)]


def test_integers_that_do_not_fit(tmp_path):
    world = World(tmp_path)
    write_days(world.events, [{"event_date": DATE, "user_id": 1}], pa.schema([("user_id", pa.int32())]))
    entities(world, [1, 2**40], type=pa.int64())
    with_entities(world, source="day: event_date", features="n: count(*)").run(expect=1)
    entities(world, [1, 2], type=pa.int64())
    world.run()
    assert by_user(world) == {1: {"n": 1}, 2: {"n": 0}}


def test_a_version_of_a_delta_table(world, deltars):
    deltars.write(world.folder / "entities", pa.table({"id": ["a"]}))
    deltars.write(world.folder / "entities", pa.table({"id": ["b"]}), mode="append")
    with_entities(world).run()
    assert {"a", "b"} <= set(by_user(world)) and entry(world)["other_inputs"][0]["version"] == 1
    with_entities(world, "column: id, version: 0").run()
    assert "a" in by_user(world) and "b" not in by_user(world)


BAD = [
    ("columns: [id, more]", "names 2 columns for an entity of 1"),
    ("column: idd", "has no column 'idd'"),
    ("column: more", "column 'more' is bigint, and entity 'user_id' is text"),
    ("column: id, columns: [id]", "has both 'column' and 'columns'"),
    ("columns: {user: id}", "user_id"),
    ("column: id, missing: zero", "it can be default"),
    ("column: id, version: one", "is not a version"),
    ("column: id, version: 1", "is no Delta table"),
    ("colum: id", "did you mean 'column'?"),
]


@pytest.mark.parametrize(("spec", "message"), BAD)
def test_wrong_entities(world, spec, message):
    entities(world, ["a"])
    with_entities(world, spec)
    assert message in world.run(expect=2).stderr
    assert not world.out.exists()


def test_lint_opens_the_table_of_entities(world):
    entities(world, ["a"])
    with_entities(world, "column: idd")
    assert "has no column 'idd'" in call("lint", world.file, sets=world.sets, expect=2).stderr


def test_entities_inside_the_output_or_around_it(world):
    entities(world, ["a"])
    with_entities(world)
    for output in (world.folder / "entities", world.folder / "entities/out", world.folder):
        stderr = call("run", world.file, "--date", DATE, sets={**world.sets, "OUT": output}, expect=2).stderr
        assert "the table of entities" in stderr and "the output of this pipeline" in stderr


def test_a_missing_table(world):
    with_entities(world)
    assert "entities" in world.run(expect=1).stderr


def test_status_names_changed_entities(world):
    entities(world, ["a"])
    with_entities(world).run()
    assert world.states() == {DATE: "done"}
    entities(world, ["a", "b"])
    state = call_json("status", world.file, "--start", DATE, "--end", DATE, sets=world.sets)["dates"][0]
    assert state["status"] == "stale" and state["reason"].startswith("entities ") and "rewritten" in state["reason"]
    world.run()
    assert world.states() == {DATE: "done"}
    world.pipeline(features=FEATURES)
    assert world.states() == {DATE: "changed"}


def test_entities_entered_and_left(world):
    entities(world, ["a", "b", "c"])
    first = with_entities(world).report(date="2026-03-10")
    assert "entities_entered" not in first
    entities(world, ["b", "c", "d", "e"])
    second = world.report(date="2026-03-12")
    assert (second["entities_entered"], second["entities_left"]) == (2, 1)
    published = entry(world, "2026-03-12")
    assert (published["entities_entered"], published["entities_left"]) == (2, 1)
    assert "2 entities entered, 1 left" in world.run(date="2026-03-12").stdout


def test_sql_of_duckdb(world):
    entities(world, ["a", "u1", None, "z"])
    with_entities(world, features="events: count(*)\n recent: {expr: count(*), window: 1d}\n total: sum(value)").run()
    text = call("sql", world.file, "--date", DATE, "--dialect", "duckdb", sets=world.sets).stdout
    want = [tuple(row[name] for name in ("user_id", "events", "recent", "total")) for row in world.rows()]
    got = duckdb.sql(text).fetchall()
    assert [row[:3] for row in got] == [row[:3] for row in want]
    assert [row[3] and round(row[3], 6) for row in got] == [row[3] and round(row[3], 6) for row in want]


@pytest.mark.parametrize("seed", range(10))
def test_random_entities_against_duckdb(tmp_path, seed):
    chance = random.Random(seed)
    world = World(tmp_path)
    names = [f"e{i}" for i in range(chance.choice([1, 5, 60]))]
    rows = [
        {"event_date": f"2026-03-0{chance.randint(1, 5)}", "user_id": chance.choice([*names, None]), "x": chance.choice([None, 1, 2, 3])}
        for _ in range(chance.choice([1, 20, 200]))
    ]
    write_days(world.events, rows, pa.schema([("user_id", pa.string()), ("x", pa.int64())]), row_group_size=chance.choice([1, 9, 1000]))
    universe = [chance.choice([*names, "other", "e", None]) for _ in range(chance.choice([0, 1, 40]))]
    entities(world, universe, row_group_size=chance.choice([1, 3, 1000]))
    policy = chance.choice(["drop", "keep"])
    with_entities(
        world,
        source="day: event_date",
        window="2d",
        more=f"null_entity: {policy}",
        checks='rows:\n  - {rule: "x <> 2 or x is null", quarantine: true}',
        features="n: count(*)\n today: {expr: count(*), window: 1d}\n total: sum(x)\n values: count(distinct x)\n filled: {expr: max(x), default: -1}",
    )
    world.backfill(START, END, "--threads", chance.choice([1, 4]))
    con = duckdb.connect()
    con.sql(f"create table events as select user_id, x, cast(event_date as varchar) as day from read_parquet('{world.events}/**/*.parquet', hive_partitioning=true)")
    con.sql(f"create table universe as select id from read_parquet('{world.folder}/entities/*.parquet')")
    for day in range(1, 6):
        want = con.sql(f"""
            with input as (
              select * from events where day between '2026-03-{day - 1:02}' and '2026-03-{day:02}' and (x <> 2 or x is null)),
            wanted as (select user_id from input union select id from universe)
            select w.user_id, count(i.day), count(*) filter (where i.day = '2026-03-{day:02}'), sum(i.x), count(distinct i.x), coalesce(max(i.x), -1)
            from wanted w left join input i on w.user_id is not distinct from i.user_id
            where {"true" if policy == "keep" else "w.user_id is not null"} group by 1 order by 1 nulls last""").fetchall()
        got = [tuple(row[name] for name in ("user_id", "n", "today", "total", "values", "filled")) for row in world.rows(f"2026-03-0{day}")]
        assert got == want
