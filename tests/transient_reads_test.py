"""Reads that fail now and then are tried again; reads that go on failing fail the run and leave the table alone."""

import json

import pytest
from tidemill_command import call, call_json, fingerprint, hidden_files

FOREVER = 1_000_000
RANGE = ("--start", "2026-03-02", "--end", "2026-03-05")


@pytest.fixture
def expected(world):
    """The files as they are when nothing fails, of a table beside that of the world."""
    out = world.folder / "expected"
    call("backfill", world.file, *RANGE, sets={**world.sets, "OUT": out})
    return fingerprint(out)


# Reads of footers come first, then those of columns.
@pytest.mark.parametrize("spared", [0, 5])
@pytest.mark.parametrize("failures", [1, 3])
def test_a_run_outlives_a_few_failures(world, flaky_reads, expected, spared, failures):
    report = world.report("--threads", 2, env=flaky_reads(world.events, spared=spared, failures=failures))
    assert report["status"] == "done" and report["warnings"] == []
    assert report["io_retries"] == failures
    assert fingerprint(world.out) == {path: x for path, x in expected.items() if "2026-03-04" in path}


@pytest.mark.parametrize("spared", [0, 6, 14])
def test_a_backfill_outlives_a_few_failures(world, flaky_reads, expected, spared):
    env = flaky_reads(world.events, spared=spared, failures=3)
    report = call_json("backfill", world.file, *RANGE, "--pass-days", 2, sets=world.sets, env=env)
    assert {d["status"] for d in report["dates"]} == {"done"}
    assert report["io_retries"] == 3
    assert fingerprint(world.out) == expected


def test_retries_are_told_to_people(world, flaky_reads):
    done = world.run(env=flaky_reads(world.events, failures=2))
    assert "2 reads that had failed" in done.stdout


def test_no_retries_where_nothing_fails(world, flaky_reads):
    assert world.report(env=flaky_reads(world.events))["io_retries"] == 0


@pytest.mark.parametrize("spared", [0, 5])
def test_a_run_gives_up_and_names_the_file(world, flaky_reads, spared):
    world.run()
    env = flaky_reads(world.events, spared=spared, failures=FOREVER)
    stderr = world.fails(1, "event_date=2026-03-0", "part-0.parquet", env=env)
    assert stderr.count("error:") == 1
    assert world.report()["status"] == "done"


def test_a_backfill_gives_up_and_finishes_later(world, flaky_reads, expected):
    env = flaky_reads(world.events, spared=12, failures=FOREVER)
    done = call("backfill", world.file, *RANGE, "--json", sets=world.sets, env=env, expect=1)
    dates = json.loads(done.stdout)["dates"]
    assert {d["status"] for d in dates} == {"failed"}
    assert all("part-0.parquet" in d["reason"] for d in dates)
    assert fingerprint(world.out) == {} and hidden_files(world.out) == []
    status = call_json("status", world.file, *RANGE, sets=world.sets)["dates"]
    assert [(d["status"], d["reason"]) for d in status] == [("failed", d["reason"]) for d in dates]
    report = call_json("backfill", world.file, *RANGE, "--only", "failed", sets=world.sets)
    assert {d["status"] for d in report["dates"]} == {"done"}
    assert fingerprint(world.out) == expected
