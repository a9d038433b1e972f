"""The DAGs that the factories make, without a scheduler."""

import datetime as dt
from pathlib import Path

import pytest
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization
from tidemill.airflow import tidemill_backfill_dag, tidemill_dag
from tidemill_command import ROOT

ENGAGEMENT = ROOT / "pipelines/user_engagement.yaml"


def pipeline(folder: Path, more: str = "") -> Path:
    file = folder / "p.yaml"
    file.write_text(f"pipeline: small\n{more}\n")
    return file


def scheduled(dag: DAG):
    """The DAG as the scheduler has it."""
    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


def intervals(dag: DAG, first: str, last: str) -> list[tuple[str, str]]:
    """Start and end of the data intervals of runs with logical dates from first to last, in UTC."""
    bounds = [dt.datetime.fromisoformat(text) for text in (first, last)]
    runs = scheduled(dag).iter_dagrun_infos_between(*bounds)
    return [(f"{run.data_interval.start.in_timezone('UTC'):%Y-%m-%dT%H:%M}",
             f"{run.data_interval.end.in_timezone('UTC'):%Y-%m-%dT%H:%M}") for run in runs]


def dates(dag: DAG, first: str, last: str) -> list[str]:
    """The feature dates that a backfill of Airflow's own computes."""
    task = dag.get_task("run")
    bounds = [dt.datetime.fromisoformat(text) for text in (first, last)]
    return [task.feature_date(run.logical_date) for run in scheduled(dag).iter_dagrun_infos_between(*bounds)]


def test_names_and_settings_come_from_the_file():
    dag = tidemill_dag(ENGAGEMENT, start_date="2026-01-01", tags=["mine"])
    assert dag.dag_id == "user_engagement"
    assert dag.description == "30-day engagement features for the recommendation model"
    assert (dag.catchup, dag.max_active_runs, set(dag.tags)) == (False, 1, {"mine"})
    assert dag.get_task("run").file == str(ENGAGEMENT)
    assert tidemill_backfill_dag(ENGAGEMENT).dag_id == "user_engagement_backfill"


def test_a_relative_file_is_beside_the_file_that_calls():
    dag = tidemill_dag("../../pipelines/user_engagement.yaml", start_date="2026-01-01")
    assert dag.get_task("run").file == str(ENGAGEMENT)


def test_a_missing_file_is_named():
    with pytest.raises(FileNotFoundError, match="absent.yaml"):
        tidemill_dag("absent.yaml", start_date="2026-01-01")


def test_a_run_begins_when_its_feature_date_is_over():
    dag = tidemill_dag(ENGAGEMENT, start_date="2026-01-01")
    assert intervals(dag, "2026-03-01T00:00+00:00", "2026-03-02T00:00+00:00") == [
        ("2026-03-01T00:00", "2026-03-02T00:00"),
        ("2026-03-02T00:00", "2026-03-03T00:00"),
    ]
    assert dates(dag, "2026-03-01T00:00+00:00", "2026-03-02T00:00+00:00") == ["2026-03-01", "2026-03-02"]


def test_days_are_those_of_the_pipeline_s_zone(tmp_path):
    dag = tidemill_dag(pipeline(tmp_path, "source: {timezone: Europe/Stockholm}"), start_date="2026-03-28")
    assert dag.start_date == dt.datetime(2026, 3, 27, 23, tzinfo=dt.UTC)
    assert intervals(dag, "2026-03-28T00:00+01:00", "2026-03-30T00:00+02:00") == [
        ("2026-03-27T23:00", "2026-03-28T23:00"),
        ("2026-03-28T23:00", "2026-03-29T22:00"),  # a day of 23 hours
        ("2026-03-29T22:00", "2026-03-30T22:00"),
    ]
    assert dates(dag, "2026-03-28T00:00+01:00", "2026-03-30T00:00+02:00") == ["2026-03-28", "2026-03-29", "2026-03-30"]


def test_a_later_hour_of_the_day_computes_the_same_dates(tmp_path):
    file = pipeline(tmp_path, "source: {timezone: Europe/Stockholm}")
    dag = tidemill_dag(file, start_date="2026-03-01", schedule="30 3 * * *")
    assert intervals(dag, "2026-03-01T00:00+01:00", "2026-03-01T23:00+01:00") == [
        ("2026-03-01T02:30", "2026-03-02T02:30")]
    assert dates(dag, "2026-03-01T00:00+01:00", "2026-03-02T23:00+01:00") == ["2026-03-01", "2026-03-02"]


def test_every_hour_has_its_run_when_the_clock_is_put_back(tmp_path):
    dag = tidemill_dag(pipeline(tmp_path, "grain: hour\nsource: {timezone: Europe/Stockholm}"), start_date="2026-03-01")
    assert dates(dag, "2026-10-24T23:00+00:00", "2026-10-25T02:00+00:00") == [
        "2026-10-25T01", "2026-10-25T02", "2026-10-25T02+01:00", "2026-10-25T03"]


def test_hours_are_counted_in_utc(tmp_path):
    dag = tidemill_dag(pipeline(tmp_path, "grain: hour\nsource: {timezone: Asia/Kolkata}"), start_date="2026-03-01")
    assert intervals(dag, "2026-03-02T00:00+00:00", "2026-03-02T00:59+00:00") == [
        ("2026-03-02T00:00", "2026-03-02T01:00")]
    assert dates(dag, "2026-03-02T00:00+00:00", "2026-03-02T01:59+00:00") == ["2026-03-02T05", "2026-03-02T06"]


def test_a_schedule_of_none_stays_one():
    assert not scheduled(tidemill_dag(ENGAGEMENT, start_date="2026-01-01", schedule=None)).timetable.can_be_scheduled


def test_settings_reach_the_tasks():
    settings = {"names": {"OUT": "o"}, "env": {"E": "1"}, "engine": "dask", "engine_options": {"scheduler": "s"},
                "threads": 2, "memory": "1GB", "command": ["t"], "default_args": {"retries": 4}}
    run = tidemill_dag(ENGAGEMENT, start_date="2026-01-01", **settings).get_task("run")
    bulk = tidemill_backfill_dag(ENGAGEMENT, parallel=3, max_active_chunks=2, **settings)
    chunk = bulk.get_task("backfill").unmap({"start": "2026-03-01", "end": "2026-03-02"})
    assert (run.command_arguments()[0], chunk.command_arguments()[0]) == ("run", "backfill")
    for task in (run, chunk):
        line = " ".join(task._command_line())
        assert line.startswith("t ")
        assert "--set OUT=o --engine dask --scheduler s --threads 2 --memory 1GB --json" in line
        assert (task.env, task.retries) == ({"E": "1"}, 4)
    assert "--parallel 3" in " ".join(chunk.command_arguments())
    assert chunk.max_active_tis_per_dagrun == 2
    assert bulk.get_task("verify").names == {"OUT": "o"}
