"""Passes on a Dask cluster: they publish what one process publishes, whatever becomes of the workers."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import tidemill
from dask_cluster import DaskCluster, wait_until
from interop_setup import path_of
from tidemill_command import ROOT, call, call_json, fingerprint, hidden_files

PIPELINE = """
pipeline: clicks
source: {path: events, day: event_date, event_time: timestamp, where: "event_type <> 'search'"}
entity: user_id
window: 4d
checks:
  input: [row_count > 0, unique(event_id), "null_rate(user_id) < ${LIMIT:-0.9}"]
  output: [unique(user_id)]
features:
  events: count(*)
  sessions: count(distinct session_id)
  kinds: count(distinct event_type)
  spend: sum(value)
  spread: stddev_samp(value)
  last_category: last(product_category)
  recent: {expr: count(*), windows: [1d, 2d]}
  per_session: events / sessions
output: {path: "${OUT}"}
"""
DATES = ("2026-01-04", "2026-01-06")


@pytest.fixture(scope="module")
def engines(dask_site: str) -> ModuleType:
    import tidemill.dask

    return tidemill.dask


@pytest.fixture
def fragile(dask_site: str, tmp_path: Path) -> Iterator[DaskCluster]:
    """A cluster of its own, without workers yet."""
    made = DaskCluster(dask_site, tmp_path / "cluster")
    yield made.start(workers=0)
    made.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("clicks")
    tidemill.generate_events(made / "events", days=6, events_per_day=20_000, entities=3_000)
    (made / "clicks.yaml").write_text(PIPELINE)
    return made


@pytest.fixture
def pipeline(folder: Path) -> Callable[..., Any]:
    return lambda out, **names: tidemill.Pipeline.load(folder / "clicks.yaml", OUT=out, **names)


@pytest.fixture(scope="module")
def native(folder: Path) -> dict[str, str]:
    """{file: hash} of what this process publishes."""
    tidemill.Pipeline.load(folder / "clicks.yaml", OUT="native").backfill(*DATES)
    return fingerprint(folder / "native")


def small_tasks(engines: ModuleType, cluster: Any) -> Any:
    """Enough tasks for things to happen in between."""
    return engines.engine(cluster, scan_bytes=40_000, window_bytes=60_000)


def work_folder(table: Path) -> Path:
    return table / "_tidemill/work"


def test_a_backfill_gives_the_files_of_one_process(folder, pipeline, native, engines, dask_cluster):
    seen = {}
    report = pipeline("many").backfill(
        *DATES, engine=small_tasks(engines, dask_cluster.address), progress=lambda at: seen.__setitem__(at.stage, at)
    )
    assert [date.status for date in report.dates] == ["done"] * 3
    assert fingerprint(folder / "many") == native and len(native) == 3
    assert seen["scan"].done == seen["scan"].total == report.rows_read
    assert seen["merge"].done == seen["merge"].total > 5
    assert not work_folder(folder / "many").exists() and hidden_files(folder / "many") == []


def test_tasks_chosen_by_the_pass_for_a_client_that_there_is(folder, pipeline, native, dask_cluster):
    import distributed

    with distributed.Client(dask_cluster.address, set_as_default=False) as client:
        report = pipeline("one").run(DATES[1], engine="dask", scheduler=client)
        assert report.status == "done"
        assert client.status == "running", "a client that was given is left open"
    name = f"feature_date={DATES[1]}/part-00000.parquet"
    assert fingerprint(folder / "one") == {name: native[name]}


def test_looking_publishes_nothing(folder, pipeline, dask_cluster):
    features = pipeline("looked").compute(DATES[0], engine="dask", scheduler=dask_cluster.address)
    assert features.to_arrow().equals(pipeline("looked").compute(DATES[0]).to_arrow()) and len(features) > 1000
    checks = pipeline("looked").check_input(DATES[0], engine="dask", scheduler=dask_cluster.address)
    assert [check.passed for check in checks] == [True] * 3
    assert not (folder / "looked").exists()


def test_the_command_line(folder, dask_site, dask_cluster, native):
    env = {"TIDEMILL_PYTHON": sys.executable, "PYTHONPATH": os.pathsep.join([str(ROOT / "build/python"), dask_site])}
    engine = ("--engine", "dask", "--scheduler", dask_cluster.address)
    command = ("backfill", folder / "clicks.yaml", "--start", DATES[0], "--end", DATES[1], *engine)
    report = call_json(*command, sets={"OUT": "command"}, env=env)
    assert report["status"] == "done" and fingerprint(folder / "command") == native


def test_a_failed_check_leaves_the_table_as_it_was(folder, pipeline, engines, dask_cluster):
    pipeline("checked").run(DATES[0])
    before = fingerprint(folder / "checked")
    with pytest.raises(tidemill.InputCheckFailed, match="null_rate"):
        pipeline("checked", LIMIT="-1").run(DATES[0], engine=small_tasks(engines, dask_cluster.address))
    assert fingerprint(folder / "checked") == before and not work_folder(folder / "checked").exists()


def test_an_error_of_the_data_comes_with_its_place_and_its_hint(folder, pipeline, engines, dask_cluster):
    strict = pipeline("strict").entity("user_id", null="error")
    with pytest.raises(tidemill.RunFailed, match="NULL entity") as here:
        strict.run(DATES[0], threads=1)
    with pytest.raises(tidemill.RunFailed, match="NULL entity") as there:
        strict.run(DATES[0], engine=small_tasks(engines, dask_cluster.address))
    assert there.value.diagnostics[0].hint == here.value.diagnostics[0].hint != ""
    assert not list((folder / "strict").glob("feature_date=*"))


def kill_once(worker: Any, stage: str) -> Callable[[Any], None]:
    """A progress callback that kills a worker when the first task of a stage is done."""
    killed = threading.Event()

    def at(progress: Any) -> None:
        if progress.stage == stage and 0 < progress.done < progress.total and not killed.is_set():
            killed.set()
            os.kill(worker.pid, signal.SIGKILL)

    at.killed = killed
    return at


@pytest.mark.parametrize("stage", ["scan", "merge"])
def test_a_worker_is_killed(folder, pipeline, native, engines, fragile, stage):
    workers = [fragile.add_worker(), fragile.add_worker()]
    out = f"killed-{stage}"
    engine = small_tasks(engines, fragile.address)
    import distributed

    with distributed.Client(fragile.address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
    kill = kill_once(workers[0], stage)
    report = pipeline(out).backfill(*DATES, engine=engine, progress=kill)
    assert kill.killed.is_set() and workers[0].wait(timeout=10) == -signal.SIGKILL
    assert workers[1].poll() is None
    assert report.status == "done" and fingerprint(folder / out) == native
    assert not work_folder(folder / out).exists()


def test_ctrl_c_leaves_nothing_behind(folder, pipeline, engines, dask_cluster):
    import distributed

    def interrupt(progress: Any) -> None:
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipeline("stopped").backfill(*DATES, engine=small_tasks(engines, dask_cluster.address), progress=interrupt)
    assert not list((folder / "stopped").glob("feature_date=*"))
    assert not work_folder(folder / "stopped").exists()
    with distributed.Client(dask_cluster.address, set_as_default=False) as client:
        wait_until(lambda: not any(client.processing().values()), within=15)


def test_in_a_bucket(remote, dask_site, tmp_path):
    on_s3 = DaskCluster(dask_site, tmp_path / "cluster", env=remote.env).start()
    try:
        env = {**remote.env, "TIDEMILL_PYTHON": sys.executable}
        env["PYTHONPATH"] = os.pathsep.join([str(ROOT / "build/python"), dask_site])
        report = remote.report("--engine", "dask", "--scheduler", on_s3.address, env=env)
        assert report["status"] == "done", on_s3.log
        by_tasks = {file["hash"] for file in report["files"]}
        assert by_tasks == {file["hash"] for file in remote.report()["files"]}
        assert not remote.s3.keys(remote.bucket, "tables/out/_tidemill/work")
    finally:
        on_s3.stop()


def test_a_worker_without_tidemill_is_named(pipeline, engines, fragile, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    fragile.add_worker(path=str(empty))
    with pytest.raises(tidemill.Invalid, match=r"tcp://127\.0\.0\.1:\d+ cannot run Tidemill: install tidemill"):
        pipeline("out").run(DATES[0], engine=engines.engine(fragile.address))


def test_a_worker_of_another_version_is_named(pipeline, engines, dask_cluster, monkeypatch):
    monkeypatch.setattr(engines, "__version__", "9.9.9")
    with pytest.raises(tidemill.Invalid, match=r"has Tidemill \d+\.\d+\.\d+, this process 9\.9\.9"):
        pipeline("out").run(DATES[0], engine=engines.engine(dask_cluster.address))


def test_a_cluster_without_workers(pipeline, engines, fragile, monkeypatch):
    engine = engines.engine(fragile.address)
    monkeypatch.setattr(engines, "PATIENCE", 1)
    with pytest.raises(tidemill.RunFailed, match="no worker came to"):
        pipeline("out").run(DATES[0], engine=engine)


def test_a_scheduler_that_is_not_there(pipeline, engines, monkeypatch):
    monkeypatch.setattr(engines, "PATIENCE", 1)
    with pytest.raises(tidemill.RunFailed, match="no Dask scheduler answers at tcp://127.0.0.1:9"):
        pipeline("out").run(DATES[0], engine="dask", scheduler="tcp://127.0.0.1:9")
    with pytest.raises(tidemill.Invalid, match="needs a scheduler"):
        pipeline("out").run(DATES[0], engine="dask")
    with pytest.raises(tidemill.Invalid, match="must be an address"):
        pipeline("out").run(DATES[0], engine="dask", scheduler=7)


def test_the_scheduler_goes_away(folder, pipeline, engines, fragile):
    fragile.add_worker()

    def end(progress: Any) -> None:
        if progress.stage == "scan" and fragile.scheduler.poll() is None:
            fragile.scheduler.kill()
            fragile.scheduler.wait()

    with pytest.raises(tidemill.RunFailed) as failed:
        pipeline("lost").backfill(*DATES, engine=small_tasks(engines, fragile.address), progress=end)
    assert all(f"{fragile.address} is gone" in date.reason for date in failed.value.report.dates)
    assert not list((folder / "lost").glob("feature_date=*")) and not work_folder(folder / "lost").exists()


def test_vacuum_takes_the_folder_of_a_run_that_was_killed(folder, dask_cluster, dask_site):
    script = f"""
import os, signal, tidemill, tidemill.dask
engine = tidemill.dask.engine({dask_cluster.address!r}, scan_bytes=40_000, window_bytes=60_000)
def kill(at):
    if at.done:
        os.kill(os.getpid(), signal.SIGKILL)
tidemill.Pipeline.load({str(folder / "clicks.yaml")!r}, OUT="dead").backfill(*{DATES!r}, engine=engine, progress=kill)
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "build/python"), dask_site])}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], env=env, timeout=120)
    assert done.returncode == -signal.SIGKILL
    left = list(work_folder(folder / "dead").iterdir())
    assert len(left) == 1 and any(file.name.startswith("tiles-") for file in left[0].iterdir())
    found = call("table", "vacuum", folder / "dead").stdout
    assert "work folder" in found and left[0].exists()
    call("table", "vacuum", folder / "dead", "--apply")
    assert not left[0].exists()


@pytest.mark.parametrize("is_gone", [False, True])
def test_a_program_ends_while_it_holds_an_engine(folder, fragile, dask_site, is_gone):
    fragile.add_worker()
    script = f"""
import tidemill, tidemill.dask
engine = tidemill.dask.engine({fragile.address!r})
pipeline = tidemill.Pipeline.load({str(folder / "clicks.yaml")!r}, OUT="ends")
print(len(pipeline.compute({DATES[0]!r}, engine=engine, limit=5)), flush=True)
input()
"""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "build/python"), dask_site])}
    command = [sys.executable, "-W", "ignore", "-c", script]
    with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        try:
            assert program.stdout.readline() == "5\n"
            if is_gone:
                fragile.scheduler.kill()
                fragile.scheduler.wait()
            program.communicate("\n", timeout=60)
        finally:
            program.kill()
    assert program.returncode == 0
