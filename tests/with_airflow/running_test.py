"""Airflow itself, with the example DAGs over generated events, and with DAGs that are made to fail."""

import json
import sqlite3

import pytest
from airflow_site import AirflowSite, wait_for
from sources import clicks
from tidemill_command import ROOT, call, call_json, data_files, fingerprint, hidden_files, published

DATES = [f"2026-03-0{day}" for day in range(1, 6)]


@pytest.fixture(scope="module", autouse=True)
def events(site: AirflowSite) -> None:
    call("generate", "events", site.events, "--start", "2026-01-25", "--days", 40, "--events-per-day", 1000,
         "--entities", 200)
    clicks(site.folder / "clicks")


def status(site: AirflowSite, file: str, table: str, start: str, end: str) -> dict[str, str]:
    sets = {"EVENTS": site.events, "CLICKS": site.folder / "clicks", "OUT": site.folder / table}
    report = call_json("status", site.folder / "pipelines" / file, "--start", start, "--end", end, sets=sets)
    return {date["feature_date"]: date["status"] for date in report["dates"]}


def test_dags_test_of_the_example_publishes_its_logical_date(site):
    site.airflow("dags", "test", "user_engagement", "2026-02-28")
    rows = published(site.features / "user_engagement", "2026-02-28")
    assert rows is not None
    database = sqlite3.connect(site.folder / "home/airflow.db")
    (value,), = database.execute("select value from xcom where dag_id = 'user_engagement' and key = 'return_value'")
    database.close()
    report = json.loads(value)
    report = json.loads(report) if isinstance(report, str) else report
    assert (report["status"], report["feature_date"], report["days_read"]) == ("done", "2026-02-28", 31)
    assert report["rows_written"] == rows.num_rows > 100
    assert all(check["passed"] for check in report["checks"])


def test_airflow_s_own_backfill_of_the_example(running_site):
    running_site.unpause("user_engagement")
    running_site.airflow("backfill", "create", "--dag-id", "user_engagement", "--from-date", DATES[0],
                         "--to-date", DATES[-1], "--max-active-runs", "2")

    def ended() -> list[dict]:
        runs = running_site.runs("user_engagement", run_type="backfill")
        return runs if len(runs) == 5 and all(run["state"] in ("success", "failed") for run in runs) else []

    runs = wait_for("five runs", ended, 300)
    assert {run["logical_date"][:10]: run["state"] for run in runs} == dict.fromkeys(DATES, "success")
    found = status(running_site, "user_engagement.yaml", "features/user_engagement", DATES[0], DATES[-1])
    assert found == dict.fromkeys(DATES, "done")
    for run in runs:
        report = running_site.xcom("user_engagement", run["dag_run_id"], "run")
        date = run["logical_date"][:10]
        assert report["feature_date"] == date
        assert report["rows_written"] == published(running_site.features / "user_engagement", date).num_rows


def test_a_failed_check_fails_the_task_once_and_leaves_the_table(running_site):
    table = running_site.folder / "demanding"
    call("run", running_site.folder / "pipelines/clicks.yaml", "--date", "2026-03-04",
         sets={"CLICKS": running_site.folder / "clicks", "OUT": table})
    before = fingerprint(table)
    assert before
    running_site.unpause("demanding")
    run = running_site.trigger("demanding", "2026-03-04")
    assert running_site.finished("demanding", run) == "failed"
    (task,) = running_site.tasks("demanding", run)
    assert (task["state"], task["try_number"], task["max_tries"]) == ("failed", 1, 3)
    assert fingerprint(table) == before
    assert hidden_files(table) == []
    report = running_site.xcom("demanding", run, "run", key="report")
    assert (report["status"], report["error"]["code"]) == ("failed", 3)
    assert [check["check"] for check in report["checks"] if not check["passed"]] == ["row_count > 1000000"]
    log = running_site.log("demanding", run, "run")
    assert "error: input check failed: row_count > 1000000" in log
    assert "exit 3" in log


def test_a_run_without_a_logical_date_says_so(running_site):
    running_site.unpause("demanding")
    run = running_site.trigger("demanding")
    assert running_site.finished("demanding", run) == "failed"
    (task,) = running_site.tasks("demanding", run)
    assert task["try_number"] == 1
    assert "no logical date" in running_site.log("demanding", run, "run")


def test_a_bulk_backfill_computes_every_chunk(running_site):
    running_site.unpause("clicks_backfill")
    run = running_site.trigger("clicks_backfill", start=DATES[0], end=DATES[-1], chunk_days=2)
    assert running_site.finished("clicks_backfill", run) == "success"
    tasks = running_site.tasks("clicks_backfill", run)
    chunks = {task["map_index"]: task["rendered_map_index"] for task in tasks if task["task_id"] == "backfill"}
    assert chunks == {0: "2026-03-01 .. 2026-03-02", 1: "2026-03-03 .. 2026-03-04", 2: "2026-03-05 .. 2026-03-05"}
    assert status(running_site, "clicks.yaml", "bulk", DATES[0], DATES[-1]) == dict.fromkeys(DATES, "done")
    assert len(data_files(running_site.folder / "bulk")) == 5
    assert running_site.xcom("clicks_backfill", run, "backfill", map_index=1)["states"] == {"done": 2}
    assert running_site.xcom("clicks_backfill", run, "verify")["states"] == {"done": 5}

    before = fingerprint(running_site.folder / "bulk")
    run = running_site.trigger("clicks_backfill", start=DATES[0], end=DATES[-1], only="missing,stale,failed")
    assert running_site.finished("clicks_backfill", run) == "success"
    assert running_site.xcom("clicks_backfill", run, "backfill", map_index=0)["states"] == {"skipped": 5}
    assert fingerprint(running_site.folder / "bulk") == before


def test_a_bulk_backfill_names_the_dates_that_it_could_not_compute(running_site):
    """Windows of three days, the last of them with events 2026-03-05: the last date with any is 2026-03-07."""
    running_site.unpause("clicks_backfill")
    run = running_site.trigger("clicks_backfill", start="2026-03-05", end="2026-03-09", chunk_days=3)
    assert running_site.finished("clicks_backfill", run) == "failed"
    tasks = {(task["task_id"], task["map_index"]): task for task in running_site.tasks("clicks_backfill", run)}
    states = {key: task["state"] for key, task in tasks.items()}
    assert states == {("plan", -1): "success", ("backfill", 0): "success", ("backfill", 1): "failed",
                      ("verify", -1): "failed"}
    assert {task["try_number"] for task in tasks.values()} == {1}, "failed checks are not tried again"
    log = running_site.log("clicks_backfill", run, "verify")
    assert "2 of 5 dates are not done: 2026-03-08 (failed" in log
    assert "2026-03-09 (failed" in log
    found = status(running_site, "clicks.yaml", "bulk", "2026-03-05", "2026-03-09")
    assert list(found.values()) == ["done", "done", "done", "failed", "failed"]


def test_a_task_that_is_ended_in_airflow_ends_its_command(running_site):
    note = running_site.folder / "note"
    running_site.unpause("endless")
    run = running_site.trigger("endless", "2026-03-04")
    wait_for("the command", lambda: note.exists() and note.read_text(), 120)
    running_site.api(f"dags/endless/dagRuns/{run}/taskInstances/run", "PATCH", {"new_state": "failed"})
    wait_for("its end", lambda: note.read_text().splitlines()[1:] == ["SIGINT", "end"], 60)
