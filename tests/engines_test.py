"""--engine and --scheduler, before anything computes."""

import os
import stat

import pytest
from tidemill_command import call, call_json
from world import DATE

PROGRAM = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done >"$0.arguments"
exit 7
"""


@pytest.fixture
def python(tmp_path):
    """In place of an interpreter: notes its arguments."""
    file = tmp_path / "python"
    file.write_text(PROGRAM)
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


@pytest.mark.parametrize("engine", ["spark", "dask"])
@pytest.mark.parametrize("command", [("run",), ("check",), ("preview",), ("backfill", "--start", DATE, "--end", DATE)])
def test_the_command_line_goes_on_in_python_as_it_is(world, python, engine, command):
    dates = [] if len(command) > 1 else ["--date", DATE]
    words = [command[0], str(world.file), *command[1:], *dates, "--engine", engine, "--scheduler", "tcp://somewhere:1"]
    call(*words, sets=world.sets, env={"TIDEMILL_PYTHON": str(python)}, expect=7)
    seen = (python.parent / "python.arguments").read_text().splitlines()
    begin = seen.index(command[0])
    assert seen[:2] == ["-P", "-c"]
    assert seen[begin:] == words + [part for name, value in world.sets.items() for part in ("--set", f"{name}={value}")]


@pytest.mark.parametrize("command", [("plan", "--date", DATE), ("status",), ("backfill", "--start", DATE, "--end", DATE, "--dry-run")])
def test_commands_that_compute_nothing_need_no_engine(world, command):
    nobody = {"TIDEMILL_PYTHON": os.devnull}
    call(command[0], world.file, *command[1:], "--engine", "spark", sets=world.sets, env=nobody)


def test_an_interpreter_that_is_not_there(world):
    arguments = ("run", world.file, "--date", DATE, "--engine", "dask", "--scheduler", "tcp://somewhere:1")
    done = call(*arguments, sets=world.sets, env={"TIDEMILL_PYTHON": "/nowhere/python"}, expect=1)
    assert "/nowhere/python" in done.stderr and "TIDEMILL_PYTHON" in done.stderr


def test_an_engine_that_there_is_not(world):
    assert "spark" in world.run("--engine", "sprak", expect=2).stderr
    error = call_json("run", world.file, "--date", DATE, "--engine", "fast", sets=world.sets, expect=2)["error"]
    assert error["code"] == 2 and "fast" in error["message"]


def test_a_scheduler_without_its_engine(world):
    assert "--engine" in world.run("--scheduler", "tcp://somewhere:1", expect=2).stderr
