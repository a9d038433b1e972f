"""The Python package: running, computing, looking, as its users call it."""

import datetime as dt
import gc
import os
import subprocess
import sys
import threading
import weakref
from zoneinfo import ZoneInfo

import duckdb
import polars
import pyarrow as pa
import pytest
import tidemill
from tidemill_command import call_json, data_files, fingerprint, hidden_files
from world import DATE

CHECKS = "input:\n    - row_count > 1000\n"


@pytest.fixture
def pipeline(world):
    return tidemill.Pipeline.load(world.file, **{name: str(value) for name, value in world.sets.items()})


def test_a_run_is_that_of_the_command(world, pipeline):
    report = pipeline.run(DATE)
    assert (report.status, report.feature_date, report.rows_written) == ("done", DATE, 7)
    assert report.seconds["total"] > 0 and report.files[0].path.startswith(f"feature_date={DATE}/")
    by_python = fingerprint(world.out)
    by_command = world.report()
    assert fingerprint(world.out) == by_python
    assert {file["hash"] for file in by_command["files"]} == {file.hash for file in report.files}


@pytest.mark.parametrize("date", [DATE, dt.date(2026, 3, 4)])
def test_compute_publishes_nothing_and_gives_what_a_run_writes(world, pipeline, date):
    features = pipeline.compute(date)
    assert not world.out.exists()
    world.run()
    assert features.to_arrow().equals(world.table())
    assert len(features) == 7 and features.column_names == ["user_id", "events", "clicks", "total", "latest"]


def test_features_go_where_arrow_goes(pipeline):
    features = pipeline.compute(DATE)
    expected = pa.table(features).to_pylist()
    assert polars.DataFrame(features).to_dicts() == expected == features.to_polars().to_dicts()
    assert duckdb.sql("select sum(events) from features").fetchall()[0][0] == sum(row["events"] for row in expected)


def test_compute_of_one_entity_and_of_few_rows(pipeline):
    assert pipeline.compute(DATE, entity="u3").to_arrow().column("user_id").to_pylist() == ["u3"]
    assert len(pipeline.compute(DATE, limit=2)) == 2


def test_a_backfill_names_every_date(world, pipeline):
    pipeline.run("2026-03-02")
    report = pipeline.backfill("2026-03-01", dt.date(2026, 3, 4), only="missing", parallel=2)
    assert [date.status for date in report.dates] == ["done", "skipped", "done", "done"]
    assert pipeline.status().in_state("done") == [f"2026-03-0{day}" for day in range(1, 5)]
    assert pipeline.status("2026-03-04", "2026-03-05").in_state("missing") == ["2026-03-05"]


def test_plan_reads_and_writes_nothing(world, pipeline):
    plan = pipeline.plan("2026-03-03", "2026-03-04")
    assert [date.status for date in plan.dates] == ["missing", "missing"]
    assert plan.rows_read == 160 and plan.rows_expected is None and not world.out.exists()


def test_a_failed_check_is_an_exception_with_the_report(world):
    world.pipeline(checks=CHECKS)
    with pytest.raises(tidemill.InputCheckFailed, match="row_count > 1000") as caught:
        tidemill.Pipeline.load(world.file, **world.sets).run(DATE)
    assert caught.value.code == 3 and caught.value.report.status == "failed"
    assert [check.passed for check in caught.value.report.checks] == [False]
    assert data_files(world.out) == []


def test_a_backfill_with_failures_carries_every_date(world):
    world.pipeline(checks="output:\n    - max(events) < 18\n")
    with pytest.raises(tidemill.RunFailed) as caught:
        tidemill.Pipeline.load(world.file, **world.sets).backfill("2026-03-01", "2026-03-03")
    statuses = [date.status for date in caught.value.report.dates]
    assert "failed" in statuses and "done" in statuses, statuses


def test_every_fault_of_a_file_with_its_place(world):
    world.pipeline(features="a: sum(valeu)\nb: cuont(*)")
    with pytest.raises(tidemill.Invalid) as caught:
        tidemill.Pipeline.load(world.file, **world.sets).lint()
    first, second = caught.value.diagnostics
    assert (first.line, first.column, second.line) == (6, 10, 7)
    assert "valeu" in first.message and "value" in first.hint and first.file.endswith("pipeline.yaml")
    assert "a: sum(valeu)" in str(caught.value) and "^" in str(caught.value)


def test_a_file_that_does_not_parse_fails_where_it_is_loaded(world):
    world.file.write_text(world.file.read_text().replace("window", "windw"))
    with pytest.raises(tidemill.Invalid, match="windw"):
        tidemill.Pipeline.load(world.file, **world.sets)
    with pytest.raises(tidemill.Invalid, match="nowhere.yaml"):
        tidemill.Pipeline.load(world.folder / "nowhere.yaml")


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"memory": "much"}, "much"),
        ({"engine": "sprak"}, "sprak"),
        ({"scheduler": "tcp://127.0.0.1:1"}, "native"),
        ({"date": "2026-02-30"}, "2026-02-30"),
    ],
)
def test_arguments_that_make_no_sense(pipeline, arguments, words):
    with pytest.raises(tidemill.Invalid, match=words):
        pipeline.run(**{"date": DATE, **arguments})


def test_somebody_else_publishes(world, pipeline):
    script = (
        "import fcntl, sys, time\n"
        "file = open(sys.argv[1], 'w')\n"
        "fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print('held', flush=True)\n"
        "time.sleep(60)\n"
    )
    world.run()
    lock = world.out / f"_tidemill/locks/{DATE}.lock"
    holder = subprocess.Popen([sys.executable, "-c", script, lock], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(tidemill.Conflict):
            pipeline.run(DATE)
    finally:
        holder.kill()
        holder.wait()


def test_progress_comes_where_the_call_was_made(pipeline):
    seen = []
    pipeline.run(DATE, progress=lambda progress: seen.append((threading.get_ident(), progress)))
    assert seen and {thread for thread, _ in seen} == {threading.get_ident()}
    assert all(0 <= progress.fraction <= 1 for _, progress in seen)


def test_an_exception_from_a_callback_stops_the_run(world, pipeline):
    class Enough(Exception):
        pass

    def refuse(progress):
        raise Enough

    with pytest.raises(Enough):
        pipeline.run(DATE, progress=refuse)
    assert hidden_files(world.out) == []


def test_warnings_are_pythons(world, pipeline):
    with pytest.warns(tidemill.TidemillWarning, match="window begins"):
        pipeline.run("2026-03-01")


def test_the_interpreter_goes_on_while_a_run_computes(world, pipeline):
    # A thread that needs the interpreter meets a run in the middle of it.
    turns = []
    done = threading.Event()

    def turn():
        while not done.is_set():
            turns.append(1)

    thread = threading.Thread(target=turn)
    thread.start()
    before = len(turns)
    pipeline.backfill("2026-03-01", "2026-03-05")
    during = len(turns) - before
    done.set()
    thread.join()
    assert during > 100


def test_ctrl_c_leaves_the_table_as_it_was(tmp_path):
    tidemill.generate_events(tmp_path / "events", days=20, events_per_day=100_000, entities=20_000)
    script = """
import os, signal, sys, tidemill
p = (tidemill.pipeline("p").source(sys.argv[1], day="event_date", event_time="timestamp").entity("user_id").window("15d")
     .feature("n", "count(distinct value)").output(sys.argv[2]))
def progress(at):
    os.kill(os.getpid(), signal.SIGINT)
try:
    p.backfill("2026-01-01", "2026-01-20", progress=progress, threads=1)
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, tmp_path / "events", tmp_path / "out"],
        capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.stdout == "interrupted\n", done.stderr
    assert data_files(tmp_path / "out") == [] and hidden_files(tmp_path / "out") == []


def test_published_features_are_read_back(world, pipeline):
    pipeline.backfill("2026-03-01", "2026-03-04")
    everything = tidemill.read_features(world.out).to_arrow()
    days = [world.table(f"2026-03-0{day}") for day in range(1, 5)]
    assert everything.num_rows == sum(day.num_rows for day in days) > 20 and everything.schema.field("feature_date").type == pa.date32()
    two = tidemill.read_features(world.out, dates=["2026-03-02", dt.date(2026, 3, 4)], columns=["user_id", "feature_date"])
    assert set(two.to_arrow().column("feature_date").to_pylist()) == {dt.date(2026, 3, 2), dt.date(2026, 3, 4)}
    assert two.column_names == ["user_id", "feature_date"]
    of_one = tidemill.read_features(world.out, dates="2026-03-03").to_arrow()
    assert of_one.drop_columns("feature_date").equals(world.table("2026-03-03"))
    none = tidemill.read_features(world.out, dates="2030-01-01").to_arrow()
    assert none.num_rows == 0 and none.schema.names == everything.schema.names


def test_reading_what_is_not_there(world, pipeline):
    with pytest.raises(tidemill.RunFailed):
        tidemill.read_features(world.folder / "nowhere")
    pipeline.run(DATE)
    with pytest.raises(tidemill.Invalid, match="evnts"):
        tidemill.read_features(world.out, columns=["evnts"])


def test_delta_features_are_read_back(disk_delta):
    pipeline = tidemill.Pipeline.load(disk_delta.file, **disk_delta.sets)
    pipeline.backfill("2026-03-02", "2026-03-04")
    rows = tidemill.read_features(disk_delta.out, dates=["2026-03-02", "2026-03-04"]).to_arrow()
    assert rows.num_rows == sum(disk_delta.table(date).num_rows for date in ("2026-03-02", "2026-03-04")) > 10
    assert set(map(str, rows.column("feature_date").to_pylist())) == {"2026-03-02", "2026-03-04"}


def test_reading_dates_of_composite_partitions(world):
    world.pipeline(output="partition_by: [year, month, day]")
    pipeline = tidemill.Pipeline.load(world.file, **world.sets)
    pipeline.backfill("2026-03-02", "2026-03-04")
    rows = tidemill.read_features(world.out, dates="2026-03-03").to_arrow()
    assert rows.num_rows == 7 and set(rows.column("day").to_pylist()) == {3}


def test_sql_and_lint(pipeline):
    assert pipeline.lint() == []
    assert "GROUP BY" in pipeline.sql(DATE)
    with pytest.raises(tidemill.Invalid, match="oracle"):
        pipeline.sql(DATE, dialect="oracle")


def test_input_checks_alone(world):
    world.pipeline(checks=CHECKS)
    (verdict,) = tidemill.Pipeline.load(world.file, **world.sets).check_input(DATE)
    assert (verdict.stage, verdict.passed, verdict.value) == ("input", False, "120")


def test_generated_events(tmp_path):
    made = tidemill.generate_events(tmp_path / "events", days=2, events_per_day=500, entities=50, seed=3)
    assert made["events"] == 1000 and len(data_files(tmp_path / "events")) == made["files"]
    with pytest.raises(tidemill.Invalid):
        tidemill.generate_events(tmp_path / "events", days=2)


def test_the_module_is_a_command_line(world):
    arguments = ["run", str(world.file), "--date", DATE, "--json"]
    sets = [part for name, value in world.sets.items() for part in ("--set", f"{name}={value}")]
    done = subprocess.run(
        [sys.executable, "-m", "tidemill", *arguments, *sets],
        capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert '"status": "done"' in done.stdout
    assert call_json("status", world.file, sets=world.sets)["dates"][0]["status"] == "done"


UTC = dt.timezone.utc


@pytest.mark.parametrize(
    "date, label",
    [
        (dt.datetime(2026, 3, 2, 14), "2026-03-02T14"),
        (dt.datetime(2026, 3, 2, 14, tzinfo=UTC), "2026-03-02T15"),
        (dt.datetime(2026, 10, 25, 2), "2026-10-25T02"),
        (dt.datetime(2026, 10, 25, 2, fold=1), "2026-10-25T02+01:00"),
        (dt.datetime(2026, 10, 25, 1, tzinfo=UTC), "2026-10-25T02+01:00"),
    ],
)
def test_labels_of_hours(date, label):
    from tidemill.feature_dates import label_of

    assert label_of(date, "hour", ZoneInfo("Europe/Berlin")) == label


def test_labels_of_days():
    from tidemill.feature_dates import label_of

    berlin = ZoneInfo("Europe/Berlin")
    assert label_of(dt.datetime(2026, 3, 2), "day", berlin) == "2026-03-02"
    assert label_of(dt.datetime(2026, 3, 1, 23, tzinfo=UTC), "day", berlin) == "2026-03-02"
    for wrong in (dt.datetime(2026, 3, 2, 14), dt.datetime(2026, 3, 2, 0, 30), 20260302, None):
        with pytest.raises(tidemill.Invalid):
            label_of(wrong, "day", berlin)


def test_hours_are_read_back_by_datetime(tmp_path):
    tidemill.generate_events(tmp_path / "events", days=1, events_per_day=500, entities=20)
    pipeline = (
        tidemill.pipeline("hours").source(tmp_path / "events", day="event_date", event_time="timestamp").grain("hour")
        .entity("user_id").window("3h").feature("n", "count(*)").output(tmp_path / "out", partition_by=["feature_date", "feature_hour"])
    )  # fmt: skip
    written = pipeline.run(dt.datetime(2026, 1, 1, 14)).rows_written
    assert written == len(tidemill.read_features(tmp_path / "out", dt.datetime(2026, 1, 1, 14))) > 0
    with pytest.raises(tidemill.Invalid, match="2026-1-1"):
        tidemill.read_features(tmp_path / "out", "2026-1-1")


def test_columns_come_as_asked_for(world, pipeline):
    pipeline.run(DATE)
    assert tidemill.read_features(world.out, columns=["feature_date", "events", "user_id"]).column_names == ["feature_date", "events", "user_id"]
    assert tidemill.read_features(world.out, columns="user_id").column_names == ["user_id"]


def test_a_call_keeps_nothing_of_what_it_was_given(pipeline):
    class Callback:
        def __call__(self, progress):
            pass

    callback = Callback()
    watched = weakref.ref(callback)
    pipeline.run(DATE, progress=callback)
    del callback
    gc.collect()
    assert watched() is None


def test_planning_connects_to_nothing(pipeline):
    assert pipeline.plan(DATE, engine="dask", scheduler="tcp://127.0.0.1:1").rows_read > 0
    assert pipeline.status(DATE, DATE, engine="spark").in_state("missing") == [DATE]


def test_texts_that_are_no_utf8_cross(tmp_path):
    from tidemill.native import _core

    class Refusing:
        def resources(self):
            raise OSError("cannot read \udcff")

    pipeline = tidemill.pipeline("x").source(tmp_path / "events", day="event_date").entity("user_id").window("1d")
    tidemill.generate_events(tmp_path / "events", days=1, events_per_day=50, entities=5)
    pipeline = pipeline.feature("n", "count(*)").output(tmp_path / "out")
    with pytest.raises(tidemill.RunFailed, match="cannot read"):
        pipeline.run("2026-01-01", engine=_core.distributed_engine(Refusing()))


def test_modules_are_there_without_their_import():
    script = "import tidemill; print(tidemill.errors.Invalid.code, 'tidemill._core' in __import__('sys').modules)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.stdout == "2 False\n", done.stderr
