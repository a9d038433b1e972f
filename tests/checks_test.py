"""Checks: conditions over the whole input of a window and over the rows to be published."""

import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sources import write_days
from tidemill_command import call, call_json, fingerprint

DATE = "2026-03-04"


def results(world, checks: str, expect: int = 0) -> dict[str, dict]:
    world.pipeline(checks=checks)
    report = world.report(expect=expect)
    return {check["check"]: check for check in report["checks"]}


PASS = [
    "row_count > 0",
    "row_count = 120",
    "row_count between 100 and 140",
    "null_count(user_id) = 0",
    "null_count(value) = 24",
    "null_rate(value) = 0.2",
    "null_rate(user_id) <= 0.01",
    "contains(kind, 'view', 'click', 'buy')",
    "every(value < 100 or value is null)",
    "every(kind <> 'gift')",
    "every(value < 100) filter (where value is not null)",
    "count(distinct kind) = 3",
    "min(value) >= 0 and max(value) < 20",
    "max(at) < timestamp '2026-03-05 00:00:00'",
    "unique(user_id, at)",
    "previous(row_count) is null",
]
FAIL = [
    "row_count > 120",
    "null_rate(value) < 0.2",
    "contains(kind, 'view', 'refund')",
    "every(value < 5 or value is null)",
    "every(value < 100)",
    "unique(user_id)",
    "sum(value) < 0",
    "max(value) > null",
    "row_count > 2 * previous(row_count)",
]


@pytest.mark.parametrize("check", PASS)
def test_input_check_passes(world, check):
    got = results(world, f'input:\n  - "{check}"')
    assert got[check]["passed"] and got[check]["stage"] == "input" and got[check]["severity"] == "error"


@pytest.mark.parametrize("check", FAIL)
def test_input_check_fails(world, check):
    world.run()
    before = fingerprint(world.out)
    world.pipeline(checks=f'input:\n  - "{check}"')
    done = world.run(expect=3)
    assert check in done.stderr, done.stderr
    assert fingerprint(world.out) == before


def test_input_checks_see_rows_that_where_leaves_out(world):
    world.pipeline(source="""day: event_date, where: "kind = 'view'" """, checks="input:\n  - count(distinct kind) = 3\n  - row_count = 120")
    assert all(check["passed"] for check in world.report()["checks"])


def test_input_checks_see_rows_without_entity(world):
    path = world.events / "event_date=2026-03-04" / "part-0.parquet"
    table = pq.ParquetFile(path).read()
    pq.write_table(table.set_column(0, "user_id", pa.array([None] * 4 + ["u1"] * 36)), path)
    world.pipeline(checks="input:\n  - row_count = 120\n  - null_count(user_id) = 4")
    assert world.report()["rows_dropped"] == 4


def test_output_checks(world):
    got = results(world, "output:\n  - row_count = 7\n  - null_count(user_id) = 0\n  - max(clicks) <= 100")
    assert len(got) == 3 and all(check["passed"] and check["stage"] == "output" for check in got.values())


def test_failed_output_check_exits_4(world):
    world.run()
    world.pipeline(checks="output:\n  - max(clicks) < 3")
    world.fails(4, "max(clicks) < 3")


def test_a_failed_check_shows_its_value(world):
    got = results(world, "input:\n  - row_count > 1000", expect=3)
    assert "120" in got["row_count > 1000"]["value"]


def test_input_failure_comes_before_output_failure(world):
    world.pipeline(checks="input:\n  - row_count < 0\noutput:\n  - row_count < 0")
    world.run(expect=3)


def test_every_failed_check_is_reported(world):
    world.pipeline(checks="input:\n  - row_count < 0\n  - max(value) < 0\n  - row_count > 0")
    done = world.run(expect=3)
    assert "row_count < 0" in done.stderr and "max(value) < 0" in done.stderr and "row_count > 0" not in done.stderr


def test_warnings_do_not_fail(world):
    world.pipeline(checks="input:\n  - {check: row_count < 0, severity: warn}\noutput:\n  - {check: row_count < 0, severity: warn}")
    done = world.run()
    assert "row_count < 0" in done.stderr
    report = world.report()
    assert report["status"] == "done"
    assert [(c["stage"], c["severity"], c["passed"]) for c in report["checks"]] == [("input", "warn", False), ("output", "warn", False)]


def test_previous_is_that_of_the_last_published_date(world):
    check = "row_count between 0.5 * previous(row_count) and 2 * previous(row_count)"
    world.run(date="2026-03-02")
    world.pipeline(checks=f'input:\n  - "{check}"\noutput:\n  - "{check}"')
    world.run(date="2026-03-03", expect=3)  # nothing was remembered for it: NULL fails
    world.pipeline(checks=f'input:\n  - {{check: "{check}", severity: warn}}\noutput:\n  - {{check: "{check}", severity: warn}}')
    world.run(date="2026-03-03")
    world.pipeline(checks=f'input:\n  - "{check}"\noutput:\n  - "{check}"')
    report = world.report(date="2026-03-04")
    assert all(check["passed"] for check in report["checks"]), report["checks"]


def test_previous_forgets_what_failed(world):
    world.pipeline(checks="input:\n  - row_count = coalesce(previous(row_count), 80)")
    world.run(date="2026-03-02")  # two days are there: 80 rows
    world.run(date="2026-03-03", expect=3)  # 120 rows
    world.run(date="2026-03-04", expect=3)
    world.run(date="2026-03-02")  # its own last is not its previous


def test_checks_of_an_empty_date(world):
    world.pipeline(checks="input:\n  - row_count > 0")
    world.run(date="2030-01-01", expect=3)
    world.pipeline(checks="output:\n  - row_count > 0")
    world.run(date="2030-01-01", expect=4)
    world.pipeline()
    assert world.report(date="2030-01-01")["status"] == "empty"


def test_check_command_checks_the_input_alone(world):
    world.pipeline(checks="input:\n  - row_count = 120\noutput:\n  - row_count < 0")
    call("check", world.file, "--date", DATE, sets=world.sets)
    assert not world.out.exists()
    world.pipeline(checks="input:\n  - row_count = 121")
    done = call("check", world.file, "--date", DATE, sets=world.sets, expect=3)
    assert "row_count = 121" in done.stderr + done.stdout
    document = call_json("check", world.file, "--date", DATE, sets=world.sets, expect=3)
    assert [c["passed"] for c in document["checks"]] == [False]


@pytest.mark.parametrize("check", ["row_count", "max(nothing) > 0", "rowcount > 0", "contains() = 1", "value > 0", "previous(previous(row_count)) > 0"])
def test_checks_that_make_no_sense_exit_2(world, check):
    world.pipeline(checks=f'input:\n  - "{check}"')
    done = call("lint", world.file, sets=world.sets, expect=2)
    assert "pipeline.yaml:7" in done.stderr, done.stderr


def test_a_date_that_overflows_leaves_the_dates_around_it_alone(world):
    """One day fails in its features, another in its input check; the others are what they are alone."""
    schema = pa.schema([("user_id", pa.string()), ("amount", pa.int64())])
    big = 2**62
    amounts = {
        "2026-03-01": [1, 2],
        "2026-03-02": [big, big, big],
        "2026-03-03": [3, None],
        "2026-03-04": [5],
        "2026-03-05": [6, 7],
    }
    rows = [
        {"event_date": day, "user_id": user, "amount": value}
        for day, values in amounts.items()
        for user in ("a", "b")
        for value in values
    ]
    shutil.rmtree(world.events)
    write_days(world.events, rows, schema)
    world.file.write_text(
        "pipeline: p\nsource: {path: '${EVENTS}', day: event_date}\nentity: user_id\nwindow: 1d\n"
        "checks: {input: [null_count(amount) = 0]}\n"
        "features: {total: sum(amount), kinds: count(distinct amount), n: count(*)}\noutput: {path: '${OUT}'}\n"
    )
    flags = ("--start", "2026-03-01", "--end", "2026-03-05")
    report = call_json("backfill", world.file, *flags, sets=world.sets, expect=1)
    dates = {d["feature_date"]: d for d in report["dates"]}
    assert [d["status"] for d in dates.values()] == ["done", "failed", "failed", "done", "done"]
    assert "total" in dates["2026-03-02"]["reason"] and "null_count" in dates["2026-03-03"]["reason"]
    for day, values in amounts.items():
        done = dates[day]["status"] == "done"
        expected = {"total": sum(values), "kinds": len(set(values)), "n": len(values)} if done else None
        found = [{k: row[k] for k in ("total", "kinds", "n")} for row in world.rows(day)]
        assert found == ([expected] * 2 if done else []), day


def test_a_quoted_row_count_is_a_column(world):
    world.pipeline(checks="""input:\n  - '"row_count" > 0'""")
    world.fails(2, "unknown column 'row_count'")
