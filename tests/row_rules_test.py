"""Row rules: events that fail them are counted per date, and set aside where the rule says so."""

import json
import os
import random
import shutil
import signal
import subprocess
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sources import write_days
from tidemill_command import arguments, call, call_json, fingerprint, hidden_files
from world import DATE, World

START, END = "2026-03-01", "2026-03-05"


def set_aside(world: World, run_id: str | None = None) -> list[dict]:
    """The quarantined rows of a run, or of all, in the order of the files."""
    files = sorted((world.out / "_tidemill/quarantine").glob(f"{run_id or '*'}/*.quarantine"))
    return [row for file in files for row in pq.ParquetFile(file).read().to_pylist()]


def entry(world: World, date: str = DATE) -> dict:
    return json.loads((world.out / f"_tidemill/dates/{date}.json").read_text())


def source_rows(world: World) -> list[dict]:
    """All events with their file and number."""
    rows = []
    for file in sorted(world.events.rglob("*.parquet")):
        name = str(file.relative_to(world.events))
        for number, row in enumerate(pq.ParquetFile(file).read().to_pylist()):
            rows.append({"_file": name, "_row_number": number, "_slot": file.parent.name.split("=")[1], **row})
    return rows


def fails(row: dict, limit: float) -> bool:
    return row["value"] is None or not row["value"] < limit


def test_failing_rows_leave_the_input(world):
    world.pipeline(checks='rows:\n  - {rule: "value < 8", quarantine: true, name: small}\ninput:\n  - every(value < 8)\n  - row_count > 0')
    report = world.report()
    window = [row for row in source_rows(world) if "2026-03-02" <= row["_slot"] <= DATE]
    bad = [row for row in window if fails(row, 8)]
    assert report["rows_read"] == len(window) and report["rows_quarantined"] == len(bad) > 20
    assert report["row_rules"] == [{"rule": "small", "quarantine": True, "max_rate": None, "rows_failed": len(bad)}]
    rows = set_aside(world, report["run_id"])
    assert [{key: row[key] for key in bad[0]} for row in rows] == bad
    assert all(row["_rules"] == ["small"] and str(row["event_date"]) == row["_slot"] for row in rows)
    assert sum(row["events"] for row in world.rows()) == len(window) - len(bad)
    published = entry(world)["published"]
    assert published["rows_read"] == len(window) and published["rows_quarantined"] == len(bad)
    assert report["quarantine"] == f"{world.out}/_tidemill/quarantine/{report['run_id']}/*.quarantine"
    found = duckdb.sql(f"select count(*) from read_parquet('{report['quarantine']}')").fetchall()[0]
    assert found == (len(bad),)


def test_readers_of_the_table_do_not_see_quarantined_rows(world):
    world.pipeline(checks='rows:\n  - {rule: "value < 8", quarantine: true}')
    world.run()
    assert set_aside(world)
    seen = duckdb.sql(f"select count(*) from read_parquet('{world.out}/**/*.parquet')").fetchall()[0][0]
    assert seen == len(world.rows()) and hidden_files(world.out) == []


@pytest.mark.parametrize("rule", ["value < 100", '{rule: "value < 100", max_rate: 0.19}', '{rule: "value < 100", max_rate: 0.19, quarantine: true}'])
def test_too_many_failing_rows_fail_the_date(world, rule):
    world.run()
    before, old = fingerprint(world.out), entry(world)["published"]
    world.pipeline(checks=f"rows:\n  - {rule}")
    done = world.run(expect=3)
    for word in ("row rule failed: value < 100", "24 of 120 rows (20 %)", "event_date=2026-03-02/part-0.parquet row 0 (value = NULL)"):
        assert word in done.stderr, done.stderr
    assert fingerprint(world.out) == before and entry(world)["published"] == old
    rows = set_aside(world)
    assert len(rows) == (24 if "quarantine" in rule else 0)
    if rows:
        assert "/_tidemill/quarantine/" in done.stderr
    assert world.states() == {DATE: "failed"}


@pytest.mark.parametrize(
    "rule",
    [
        '{rule: "value < 100", max_rate: 0.2}',
        '{rule: "value < 100", severity: warn}',
        '{rule: "value < 100", severity: warn, max_rate: 0.1}',
        "value < 100 or value is null",
        "coalesce(value < 100, true)",
    ],
)
def test_tolerated_rows_stay(world, rule):
    world.run()
    before = fingerprint(world.out)
    world.pipeline(checks=f'rows:\n  - {rule if rule[0] == "{" else json.dumps(rule)}')
    report = world.report()
    assert report["rows_quarantined"] == 0 and fingerprint(world.out) == before
    assert any("value" in warning for warning in report["warnings"]) or "warn" not in rule or not report["checks"][0]["passed"]


def test_a_row_that_fails_several_rules_is_set_aside_once(world):
    world.pipeline(
        checks="""
        rows:
          - {rule: "value is not null", name: valued, quarantine: true}
          - {rule: "kind <> 'buy'", name: free, quarantine: true}
          - {rule: "user_id <> 'u1'", name: others, max_rate: 1}
        """.replace("        ", "")
    )
    report = world.report()
    window = [row for row in source_rows(world) if "2026-03-02" <= row["_slot"] <= DATE]
    want = {}
    for row in window:
        broken = [
            name
            for name, holds in (("valued", row["value"] is not None), ("free", row["kind"] != "buy"), ("others", row["user_id"] != "u1"))
            if not holds
        ]
        if set(broken) & {"valued", "free"}:
            want[row["_file"], row["_row_number"]] = broken
    assert {(row["_file"], row["_row_number"]): row["_rules"] for row in set_aside(world)} == want
    assert report["rows_quarantined"] == len(want)
    failed = {rule["rule"]: rule["rows_failed"] for rule in report["row_rules"]}
    assert failed["valued"] == sum(row["value"] is None for row in window)
    assert failed["others"] == sum(row["user_id"] == "u1" for row in window)


def test_each_date_of_a_backfill_judges_its_own_window(world):
    bad = world.events / "event_date=2026-03-02/part-0.parquet"
    table = pq.ParquetFile(bad).read()
    pq.write_table(table.set_column(2, "value", pa.array([-1.0] * 3 + table["value"].to_pylist()[3:])), bad, row_group_size=16)
    world.pipeline(window="2d", checks='rows:\n  - {rule: "value >= 0 or value is null", quarantine: true, max_rate: 0.03, name: positive}')
    report = world.backfill(START, END, expect=1)
    states = {date["feature_date"]: date["status"] for date in report["dates"]}
    assert states == {f"2026-03-0{day}": "failed" if day in (2, 3) else "done" for day in range(1, 6)}
    failed = report["dates"][1]
    assert failed["rows_quarantined"] == 3 and "3 of 80 rows (3.75 %)" in failed["reason"]
    assert report["rows_quarantined"] == 3 and len(set_aside(world, report["run_id"])) == 3
    alone = World(world.folder / "alone")
    shutil.copytree(world.events, alone.events)
    shutil.copy(world.file, alone.file)
    for date, status in states.items():
        alone.run(date=date, expect=0 if status == "done" else 3)
    assert fingerprint(alone.out) == fingerprint(world.out)


def test_windows_of_a_date_without_failures(world):
    world.pipeline(checks='rows:\n  - {rule: "value < 1000 or value is null", quarantine: true}')
    report = world.report()
    assert report["rows_quarantined"] == 0 and "quarantine" not in report
    assert not (world.out / "_tidemill/quarantine").exists()


def test_every_row_fails(world):
    world.pipeline(checks='rows:\n  - {rule: "value > 1000", quarantine: true}\ninput:\n  - row_count = 0\n  - every(value > 1000)')
    report = world.report()
    assert report["status"] == "empty" and report["rows_quarantined"] == report["rows_read"] == 120
    assert [row["_row_number"] for row in set_aside(world)] == list(range(40)) * 3


def test_every_as_a_check_can_quarantine(world):
    world.pipeline(checks='rows:\n  - {rule: "value < 8", quarantine: true}')
    world.run()
    want, rows = fingerprint(world.out), set_aside(world)
    world.pipeline(checks='input:\n  - {check: "every(value < 8)", quarantine: true, max_rate: 0.9}')
    report = world.report()
    assert fingerprint(world.out) == want
    assert [{**row, "_rules": None} for row in set_aside(world, report["run_id"])] == [{**row, "_rules": None} for row in rows]


def test_rules_see_derived_columns_and_where_does_not_matter(world):
    world.pipeline(
        source='day: event_date, event_time: at, columns: {cents: "value * 100"}, where: "kind = \'view\'"',
        checks='rows:\n  - {rule: "cents >= 100", quarantine: true}',
    )
    report = world.report()
    window = [row for row in source_rows(world) if "2026-03-02" <= row["_slot"] <= DATE]
    bad = [row for row in window if row["value"] is None or row["value"] * 100 < 100]
    assert report["rows_quarantined"] == len(bad)
    assert report["rows_filtered"] == sum(row["kind"] != "view" for row in window if row not in bad)
    assert "cents" not in set_aside(world)[0]


def test_check_judges_rules_and_writes_nothing(world):
    world.pipeline(checks='rows:\n  - {rule: "value < 8", quarantine: true, max_rate: 0.1}\ninput:\n  - every(value < 8)')
    done = call("check", world.file, "--date", DATE, "--json", sets=world.sets, expect=3)
    checks = {check["stage"]: check for check in json.loads(done.stdout)["checks"]}
    assert not checks["rows"]["passed"] and checks["input"]["passed"]
    assert not world.out.exists()


def test_plan_and_lint_know_the_columns_of_rules(world):
    world.pipeline(features="events: count(*)", checks='rows:\n  - "value < 8"')
    plan = call_json("plan", world.file, "--date", DATE, sets=world.sets)
    assert "value" in plan["columns"]
    call("lint", world.file, sets=world.sets)


def test_preview_leaves_quarantined_rows_out(world):
    world.pipeline(checks='rows:\n  - {rule: "value < 8", quarantine: true}')
    world.run()
    shown = call_json("preview", world.file, "--date", DATE, "-n", "100", sets=world.sets)
    assert sum(row["events"] for row in shown["rows"]) == sum(row["events"] for row in world.rows())
    assert len(list((world.out / "_tidemill/quarantine").iterdir())) == 1


def test_sql_filters_quarantined_rows(world):
    world.pipeline(checks='rows:\n  - {rule: "value < 8", quarantine: true}\n  - {rule: "value < 1", max_rate: 1}')
    world.run()
    text = call("sql", world.file, "--date", DATE, "--dialect", "duckdb", sets=world.sets).stdout
    found = duckdb.sql(text).fetchall()
    want = [tuple(row[name] for name in ("user_id", "events", "clicks", "total", "latest")) for row in world.rows()]
    rounded = [sorted((*row[:3], row[3] and round(row[3], 9), row[4]) for row in rows) for rows in (found, want)]
    assert rounded[0] == rounded[1]
    assert "< 8" in call("sql", world.file, "--date", DATE, "--dialect", "spark", sets=world.sets).stdout


def test_a_cast_that_cannot_be_made_fails_the_run(world):
    world.pipeline(checks="""rows:\n  - {rule: "cast(kind as bigint) > 0", quarantine: true}""")
    world.fails(1, "view", "row rule 'cast(kind as bigint) > 0'")


BAD = [
    ("- value", "a row rule must be a condition, and this is double precision"),
    ("- valu > 1", "unknown column 'valu'"),
    ("- sum(value) > 1", "sum"),
    ("- {rule: value > 1, quarantin: true}", "did you mean 'quarantine'?"),
    ("- {rule: value > 1, max_rate: 2}", "'max_rate' of a row rule is '2'"),
    ("- {rule: value > 1, max_rate: much}", "which is not a share of rows"),
    ("- {rule: value > 1, quarantine: maybe}", "it can be true or false"),
    ("- {name: a, quarantine: true}", "'rule'"),
    ("- {rule: value > 1, name: a}\n  - {rule: value > 2, name: a}", "there is another row rule 'a'"),
    ("- value > 1\n  - value > 1", "there is another row rule 'value > 1'"),
]


@pytest.mark.parametrize(("rules", "message"), BAD)
def test_wrong_rules(world, rules, message):
    world.pipeline(checks=f"rows:\n  {rules}")
    stderr = call("lint", world.file, sets=world.sets, expect=2).stderr
    assert message in stderr and "pipeline.yaml:" in stderr, stderr


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ('{check: "row_count > 0", quarantine: true}', "every(condition)"),
        ('{check: "every(value > 0)", max_rate: 0.1}', "needs 'quarantine: true'"),
    ],
)
def test_wrong_checks(world, check, message):
    world.pipeline(checks=f"input:\n  - {check}")
    assert message in call("lint", world.file, sets=world.sets, expect=2).stderr


def test_columns_that_quarantined_rows_get_anyway(tmp_path):
    world = World(tmp_path)
    write_days(world.events, [{"event_date": DATE, "user_id": "u", "_file": "x"}], pa.schema([("user_id", pa.string()), ("_file", pa.string())]))
    world.pipeline(source="day: event_date", features="n: count(*)", checks='rows:\n  - {rule: "user_id = \'v\'", quarantine: true}')
    assert "'_file'" in world.run(expect=2).stderr


def test_vacuum_removes_what_older_runs_set_aside(world):
    world.pipeline(checks='rows:\n  - {rule: "value < 8", quarantine: true}')
    first, second = world.report()["run_id"], world.report()["run_id"]
    found = call_json("table", "vacuum", world.out)
    assert [left["kind"] for left in found["leftovers"]] == ["quarantined rows"] and first in found["leftovers"][0]["path"]
    call("table", "vacuum", world.out, "--apply")
    assert [folder.name for folder in (world.out / "_tidemill/quarantine").iterdir()] == [second]
    assert set_aside(world) and call_json("table", "vacuum", world.out)["leftovers"] == []
    history = call_json("table", "history", world.out)["runs"]
    assert [run["rows_quarantined"] for run in history] == [len(set_aside(world))] * 2


def test_killed_before_each_step(world, kill_at):
    world.run()
    old = world.rows()
    world.pipeline(checks='rows:\n  - {rule: "value < 8", quarantine: true}')
    before = world.folder / "before"
    shutil.copytree(world.out, before)
    command = arguments("run", world.file, "--date", DATE, "--quiet", sets=world.sets)
    counts = Counter()
    for step in range(1, 120):
        shutil.rmtree(world.out)
        shutil.copytree(before, world.out)
        done = subprocess.run(command, env=os.environ | kill_at("out", step), capture_output=True, timeout=60)
        # What is there is whole.
        counts[len(set_aside(world))] += 1
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        assert world.rows() == old or world.states()[DATE] == "done"
    assert len(counts) == 2 and 0 in counts, counts


def random_world(folder: Path, seed: int) -> tuple[World, list[dict], random.Random]:
    chance = random.Random(seed)
    days = [f"2026-03-0{day}" for day in range(1, 6)]
    rows = [
        {
            "event_date": chance.choice(days),
            "user_id": chance.choice(["a", "b", "c", None]),
            "x": chance.choice([None, *range(-3, 10)]),
            "word": chance.choice([None, "", "red", "green", "blue"]),
            "unread": chance.random(),
        }
        for _ in range(chance.choice([1, 30, 300]))
    ]
    world = World(folder)
    schema = pa.schema([("user_id", pa.string()), ("x", pa.int32()), ("word", pa.string()), ("unread", pa.float64())])
    write_days(world.events, rows, schema, row_group_size=chance.choice([1, 7, 1000]))
    return world, rows, chance


RULES = ["x >= 0", "word <> 'red'", "x < 8 or word is null", "length(word) > 2", "x % 2 = 0", "word in ('red', 'blue')", "user_id is not null"]


@pytest.mark.parametrize("seed", range(12))
def test_random_rules_against_duckdb(tmp_path, seed):
    world, rows, chance = random_world(tmp_path, seed)
    rules = chance.sample(RULES, chance.randint(1, 4))
    quarantines = [chance.random() < 0.7 for _ in rules]
    lines = "\n".join(
        f'  - {{rule: "{rule}", {"quarantine: true" if takes else "max_rate: 1"}}}' for rule, takes in zip(rules, quarantines, strict=True)
    )
    features = "n: count(*)\n total: sum(x)\n words: count(distinct word)\n low: min(word)"
    window = chance.randint(1, 3)
    world.pipeline(source="day: event_date", window=f"{window}d", checks=f"rows:\n{lines}", features=features)
    report = world.backfill(START, END, "--threads", chance.choice([1, 4]))
    con = duckdb.connect()
    con.sql(f"create table events as select *, cast(event_date as varchar) as day from read_parquet('{world.events}/**/*.parquet', hive_partitioning=true)")
    keeps = " and ".join(f"coalesce({rule}, false)" for rule, takes in zip(rules, quarantines, strict=True) if takes) or "true"
    for date in report["dates"]:
        day = int(date["feature_date"][-1])
        inside = f"day between '2026-03-{day - window + 1:02}' and '2026-03-{day:02}'"
        read, good = con.sql(f"select count(*), count(*) filter (where {keeps}) from events where {inside}").fetchall()[0]
        assert date["rows_quarantined"] == read - good
        failed = [con.sql(f"select count(*) from events where {inside} and not coalesce({rule}, false)").fetchall()[0][0] for rule in rules]
        assert [rule["rows_failed"] for rule in date["row_rules"]] == failed
        want = con.sql(
            f"select user_id, count(*), sum(x), count(distinct word), min(word) from events "
            f"where {inside} and {keeps} and user_id is not null group by 1 order by 1"
        ).fetchall()
        assert [tuple(row[name] for name in ("user_id", "n", "total", "words", "low")) for row in world.rows(date["feature_date"])] == want
        assert entry(world, date["feature_date"])["published"]["rows_read"] == read
    kept = set_aside(world)
    total = con.sql(f"select count(*) from events where not ({keeps})").fetchall()[0][0]
    assert len(kept) == total == report["rows_quarantined"]
    assert [(row["_file"], row["_row_number"]) for row in kept] == sorted((row["_file"], row["_row_number"]) for row in kept)
    by_place = {(row["_file"], row["_row_number"]): row for row in source_rows(world)}
    for row in kept:
        assert by_place[row["_file"], row["_row_number"]].items() <= row.items()
