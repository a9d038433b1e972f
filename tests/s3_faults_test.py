"""A bucket that answers late, with errors or not at all, a server that dies, and writers that meet: a table is old or
new, and what a run says is true."""

import os
import shutil
import signal
import subprocess
import threading
import time

import pyarrow.parquet as pq
import pytest
from delta_world import DeltaWorld
from s3_proxy import Dropped, Gate, Request, S3Proxy
from s3_server import S3Server
from tidemill_command import arguments
from world import DATE, World

CHANGES = "PUT|POST|DELETE"


@pytest.fixture
def proxied(remote: World, s3_proxy: S3Proxy) -> World:
    """A world that reaches its bucket through s3_proxy."""
    remote.env = s3_proxy.env
    return remote


def start(world: World, env: dict | None = None) -> subprocess.Popen:
    command = arguments("run", world.file, "--date", DATE, "--quiet", sets=world.sets)
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=os.environ | (env or world.env), **pipes)


def ended(process: subprocess.Popen, seconds: float = 90) -> tuple[int, str]:
    try:
        stderr = process.communicate(timeout=seconds)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return process.returncode, stderr


def shorten(world: World, rows: int) -> None:
    """Fewer events on DATE: another result."""
    file = world.events / f"event_date={DATE}/part-0.parquet"
    pq.write_table(pq.ParquetFile(file).read().slice(0, rows), file)
    world.upload()


def commit_of(world: World) -> str:
    """A pattern of the object whose writing publishes."""
    return r"_delta_log/\d+\.json" if isinstance(world, DeltaWorld) else "_tidemill/dates/"


def old_and_new(world: World) -> tuple[list[dict], list[dict]]:
    """The table is old; a run would make it new."""
    keep = world.events.with_name("whole")
    shutil.copytree(world.events, keep)
    shorten(world, 20)
    world.run()
    new = world.rows()
    shutil.rmtree(world.events)
    keep.rename(world.events)
    world.upload()
    world.run()
    old = world.rows()
    shorten(world, 20)
    assert old != new and old and new
    return old, new


@pytest.mark.parametrize("status", [500, 503])
def test_some_answers_are_errors(proxied, s3_proxy, status):
    proxied.run()
    want = proxied.rows()
    rule = s3_proxy.fail("GET|HEAD|PUT|POST|DELETE", ".", status=status, every=4)
    report = proxied.report(timeout=90)
    assert report["status"] == "done" and rule.met >= 3
    s3_proxy.clear()
    assert proxied.rows() == want and proxied.states() == {DATE: "done"}
    if isinstance(proxied, DeltaWorld):
        assert proxied.log.version == 1


def test_some_connections_break(proxied, s3_proxy):
    def broken(request: Request) -> None:
        raise Dropped

    rule = s3_proxy.on("GET|HEAD|PUT|POST|DELETE", ".", broken, every=5)
    assert proxied.report(timeout=90)["status"] == "done" and rule.met >= 3
    s3_proxy.clear()
    assert proxied.rows() and proxied.states() == {DATE: "done"}


def test_slow_answers(proxied, s3_proxy):
    rule = s3_proxy.delay(".*", ".", seconds=0.2, every=3)
    assert proxied.report(timeout=90)["status"] == "done" and rule.met >= 3
    assert proxied.rows()


def test_a_file_that_cannot_be_read_is_named(proxied, s3_proxy):
    proxied.run()
    rows = proxied.rows()
    s3_proxy.fail("GET", "events/event_date=2026-03-03/part-0.parquet")
    begin = time.monotonic()
    done = proxied.run(expect=1, timeout=90, env={"AWS_MAX_ATTEMPTS": "4"})
    assert "event_date=2026-03-03/part-0.parquet" in done.stderr
    assert time.monotonic() - begin < 60
    s3_proxy.clear()
    assert proxied.rows() == rows


def test_a_table_that_may_not_be_written_stays(proxied, s3_proxy):
    proxied.run()
    rows = proxied.rows()
    s3_proxy.fail("PUT|POST", "tables/out/", status=403)
    done = proxied.run(expect=1, timeout=60)
    assert f"s3://{proxied.bucket}" in done.stderr
    s3_proxy.clear()
    assert proxied.rows() == rows
    proxied.run()
    assert proxied.rows() == rows


# Of the request during which the server dies: method, path, whether it has carried it out.
DEATHS = {
    "writing rows": ("PUT|POST", r"tables/out/.*\.parquet", False),
    "rows written": ("PUT|POST", r"tables/out/.*\.parquet", True),
    "committing": ("PUT", "COMMIT", False),
    "committed": ("PUT", "COMMIT", True),
}


class Death:
    """The fault of a request that kills the server."""

    def __init__(self, server: S3Server) -> None:
        self.server = server
        self.came = threading.Event()

    def __call__(self, request: Request) -> None:
        self.server.kill()
        self.came.set()
        raise Dropped


@pytest.mark.parametrize("death", DEATHS)
def test_the_server_dies_and_comes_back(proxied, s3, s3_proxy, death):
    old, new = old_and_new(proxied)
    method, pattern, answered = DEATHS[death]
    s3_proxy.clear()
    fault = Death(s3)
    s3_proxy.on(method, pattern.replace("COMMIT", commit_of(proxied)), fault, times=1, answered=answered)
    process = start(proxied)
    assert fault.came.wait(60), "the run did not come that far"
    time.sleep(0.5)
    s3.start()
    code, stderr = ended(process)
    rows = proxied.rows()
    assert rows == new if code == 0 else rows in (old, new) and code == 1, stderr
    assert proxied.states()[DATE] in (("done",) if rows == new else ("stale", "failed"))
    proxied.run()
    assert proxied.rows() == new and proxied.states() == {DATE: "done"}


def test_the_server_dies_and_stays_away(proxied, s3, s3_proxy):
    old, new = old_and_new(proxied)
    s3_proxy.clear()
    fault = Death(s3)
    s3_proxy.on("PUT|POST", r"tables/out/.*\.parquet", fault, times=1)
    try:
        proxied.env = {**proxied.env, "AWS_MAX_ATTEMPTS": "5"}
        code, stderr = ended(start(proxied))
    finally:
        s3.restart()
    assert fault.came.is_set() and code == 1 and f"s3://{proxied.bucket}" in stderr
    assert proxied.rows() == old and proxied.states() == {DATE: "stale"}
    proxied.run()
    assert proxied.rows() == new


def test_a_run_is_killed_before_each_change(proxied, s3_proxy):
    """The process dies at its n-th change to the bucket, for each n."""
    old, new = old_and_new(proxied)
    before = proxied.folder / "before"
    shutil.copytree(proxied.out, before)  # with the attributes that hold etags
    seen = []
    for step in range(1, 60):
        shutil.rmtree(proxied.out)
        shutil.copytree(before, proxied.out)
        s3_proxy.clear()
        started: list[subprocess.Popen] = []
        ready = threading.Event()

        def die(request: Request) -> None:
            ready.wait(10)
            started[0].send_signal(signal.SIGKILL)
            raise Dropped

        s3_proxy.on(CHANGES, "tables/out", die, every=step, times=1)
        started.append(start(proxied))
        ready.set()
        code, stderr = ended(started[0])
        s3_proxy.clear()
        rows = proxied.rows()
        assert rows in (old, new), f"killed before change {step}"
        assert proxied.states()[DATE] == ("done" if rows == new else "stale"), f"killed before change {step}"
        if code == 0:
            assert rows == new
            break
        assert code == -signal.SIGKILL, stderr
        seen.append(rows == new)
        proxied.run()
        assert proxied.rows() == new and proxied.states() == {DATE: "done"}
    assert False in seen and seen == sorted(seen), seen


def test_of_two_writers_of_a_date_one_wins(proxied, s3_proxy):
    """The first waits at its commit until the second has ended."""
    old, new = old_and_new(proxied)
    s3_proxy.clear()
    gate: Gate = s3_proxy.hold("PUT", commit_of(proxied), times=1)
    first = start(proxied)
    try:
        assert gate.reached.wait(60), "no commit"
        second = ended(start(proxied, env=proxied.s3.env))
    finally:
        gate.opened.set()
    codes = {ended(first)[0]: "first", second[0]: "second"}
    assert set(codes) == {0, 5}
    if codes[5] == "second":
        assert DATE in second[1]
    assert proxied.rows() == new and proxied.states() == {DATE: "done"}
    if isinstance(proxied, DeltaWorld):
        assert proxied.log.version == 2 and proxied.files_of_nobody() == []


def test_writers_of_one_date_at_the_same_time(remote):
    remote.run()
    rows = remote.rows()
    for _ in range(3):
        results = [ended(process) for process in [start(remote) for _ in range(4)]]
        codes = [code for code, _ in results]
        assert 0 in codes and set(codes) <= {0, 5}, results
        assert remote.rows() == rows
    assert remote.states() == {DATE: "done"}


def test_writers_of_different_dates_do_not_meet(remote):
    dates = [f"2026-03-0{day}" for day in range(1, 5)]
    commands = [arguments("run", remote.file, "--date", date, "--quiet", sets=remote.sets) for date in dates]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    running = [subprocess.Popen(command, env=os.environ | remote.env, **pipes) for command in commands]
    results = [ended(process) for process in running]
    assert [code for code, _ in results] == [0] * 4, results
    assert all(remote.rows(date) for date in dates)
    assert set(remote.states("2026-03-01", DATE).values()) == {"done"}


def test_lost_answers_to_conditional_writes(proxied, s3_proxy):
    """The n-th of them is carried out and its answer lost, for each n. The write that is tried again is refused, since
    its own first try has won; the run must not take that for somebody else's."""
    proxied.run()
    rows = proxied.rows()
    for n in range(1, 30):
        s3_proxy.clear()
        lost = s3_proxy.lose_answer("PUT|POST", ".", conditional=True, every=n, times=1)
        version = proxied.log.version if isinstance(proxied, DeltaWorld) else None
        code, stderr = ended(start(proxied))
        assert code == 0, f"answer {n} lost: {stderr}"
        assert proxied.rows() == rows and proxied.states() == {DATE: "done"}
        if version is not None:
            assert proxied.log.version == version + 1, f"answer {n} lost: committed twice"
        if lost.met == 0:
            break
    assert n > 1, "nothing is written on condition"


def test_any_lost_answer(proxied, s3_proxy):
    proxied.run()
    rows = proxied.rows()
    lost = s3_proxy.lose_answer(CHANGES, ".", every=2)
    code, stderr = ended(start(proxied))
    assert code == 0 and lost.met >= 1, stderr
    s3_proxy.clear()
    assert proxied.rows() == rows and proxied.states() == {DATE: "done"}
    if isinstance(proxied, DeltaWorld):
        assert proxied.log.version == 1
