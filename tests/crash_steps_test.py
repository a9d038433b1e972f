"""A run that is killed before each of the steps that make, rename, link or remove a file of the table: readers see the
old rows or the new ones, `status` tells which, and the next run is right."""

import os
import shutil
import signal
import subprocess

import pyarrow.parquet as pq
import pytest
from tidemill_command import arguments, hidden_files
from world import DATE

STEPS = 120  # more than a run takes


@pytest.mark.parametrize("kind", ["parquet", "delta"])
def test_killed_before_each_step(kind, request, kill_at):
    world = request.getfixturevalue({"parquet": "world", "delta": "disk_delta"}[kind])
    whole = pq.ParquetFile(world.events / f"event_date={DATE}/part-0.parquet").read()
    world.run()
    old = world.rows()
    before = world.folder / "before"
    shutil.copytree(world.out, before)
    pq.write_table(whole.slice(0, 20), world.events / f"event_date={DATE}/part-0.parquet")
    world.run()
    new = world.rows()
    assert old != new
    command = arguments("run", world.file, "--date", DATE, "--quiet", sets=world.sets)
    seen = []
    for step in range(1, STEPS):
        shutil.rmtree(world.out)
        shutil.copytree(before, world.out)
        environment = os.environ | kill_at("out", step)
        done = subprocess.run(command, env=environment, capture_output=True, timeout=60)
        rows = world.rows()
        assert rows in (old, new), f"killed before step {step}"
        assert world.states()[DATE] == ("done" if rows == new else "stale"), f"killed before step {step}"
        if done.returncode == 0:
            assert rows == new
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        seen.append(rows == new)
        world.run()
        assert world.rows() == new
        assert hidden_files(world.out) == [], f"killed before step {step}"
    assert True in seen and False in seen and seen == sorted(seen), seen
