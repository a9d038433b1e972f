"""The operator and a command that does as it is told: exit codes, reports, logs, arguments, and its end on demand."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from tidemill.airflow import TidemillOperator, TidemillStatusOperator

FAKE = [sys.executable, str(Path(__file__).with_name("fake_tidemill.py"))]
FAILED = {"status": "failed", "error": {"code": 3, "message": "input check failed: row_count > 9 is false",
                                        "diagnostics": [{"message": "the left side is 4"}]}}


class Context(dict):
    """Of a task's context what operators use: where XCom values go."""

    def __init__(self) -> None:
        super().__init__(ti=self)
        self.pushed: dict[str, object] = {}

    def xcom_push(self, key: str, value: object) -> None:
        self.pushed[key] = value


def operator(orders: dict, **keywords: object) -> TidemillOperator:
    settings = {"task_id": "run", "file": "p.yaml", "date": "2026-03-02", "command": FAKE, **keywords}
    return TidemillOperator(**settings, env={"FAKE_TIDEMILL": json.dumps(orders)})


def execute(orders: dict, **keywords: object) -> tuple[object, Context]:
    context = Context()
    return operator(orders, **keywords).execute(context), context


def failure(orders: dict, **keywords: object) -> tuple[AirflowException, Context]:
    context = Context()
    with pytest.raises(AirflowException) as caught:
        operator(orders, **keywords).execute(context)
    return caught.value, context


@pytest.mark.parametrize(("code", "is_final"), [(1, False), (2, True), (3, True), (4, True), (5, False), (130, False)])
def test_exit_codes_tell_whether_to_try_again(code, is_final):
    error, context = failure({"code": code, "output": json.dumps(FAILED)})
    assert isinstance(error, AirflowFailException) == is_final
    for words in ("run p.yaml --date 2026-03-02", f"exit {code}", "row_count > 9 is false", "the left side is 4"):
        assert words in str(error)
    assert context.pushed == {"report": FAILED}


def test_a_command_that_is_killed_is_tried_again_and_has_no_report():
    error, context = failure({"code": -signal.SIGKILL, "output": ""})
    assert not isinstance(error, AirflowFailException)
    assert "signal 9" in str(error)
    assert context.pushed == {}


def test_success_without_a_report_is_a_failure():
    error, _ = failure({"output": "all is well"})
    assert isinstance(error, AirflowFailException)
    assert "all is well" in str(error)


def test_a_program_that_is_not_there_is_a_failure_that_names_it(tmp_path):
    error, _ = failure({}, command=[str(tmp_path / "nothing")])
    assert isinstance(error, AirflowFailException)
    assert "nothing" in str(error)


def test_the_report_is_the_value_with_long_lists_cut():
    report = {"status": "done", "files": [{"path": f"part-{i}"} for i in range(70)], "warnings": ["x" * 5000]}
    value, context = execute({"output": json.dumps(report)})
    assert value["status"] == "done"
    assert len(value["files"]) == 50
    assert value["left_out"] == {"files": 20}
    assert len(value["warnings"][0]) == 1003
    assert context.pushed == {}


def test_nothing_is_pushed_where_the_task_says_so():
    _, context = failure({"code": 3, "output": json.dumps(FAILED)}, do_xcom_push=False)
    assert context.pushed == {}


def test_the_log_of_the_command_is_that_of_the_task(capsys):
    execute({"log": ["p.yaml:3:4: warning: odd", "reading", "error: broken"]})
    said = capsys.readouterr().out.splitlines()
    for level, text in (("warning", "p.yaml:3:4: warning: odd"), ("info", "reading"), ("error", "error: broken")):
        assert [line for line in said if f"[{level}" in line and f"] {text} " in line], f"{level} {text} not in {said}"


def arguments_of(tmp_path: Path, **keywords: object) -> list[str]:
    note = tmp_path / "note"
    execute({"note": str(note), "output": json.dumps({"dates": []})}, **keywords)
    return json.loads(note.read_text().split(" ", 2)[2])


def test_arguments_of_a_run(tmp_path):
    words = arguments_of(tmp_path, names={"OUT": "a b", "N": 3}, threads=2, memory="4GB", engine="dask",
                         engine_options={"scheduler": "tcp://x:1"}, arguments=["-v"])
    assert words == ["run", "p.yaml", "--date", "2026-03-02", "--set", "OUT=a b", "--set", "N=3", "--engine", "dask",
                     "--scheduler", "tcp://x:1", "--threads", "2", "--memory", "4GB", "-v", "--json"]


def test_arguments_of_a_backfill(tmp_path):
    words = arguments_of(tmp_path, date=None, start="2026-03-01", end="2026-03-05", only=["missing", "stale"],
                         parallel=2)
    assert words == ["backfill", "p.yaml", "--start", "2026-03-01", "--end", "2026-03-05", "--only", "missing,stale",
                     "--parallel", "2", "--json"]


def test_no_states_are_all_dates(tmp_path):
    words = arguments_of(tmp_path, date=None, start="2026-03-01", end="2026-03-05", only="")
    assert "--only" not in words


@pytest.mark.parametrize("keywords", [
    {"start": "2026-03-01"},
    {"start": "2026-03-01", "end": "2026-03-02"},  # and a date
    {"only": "missing"},
    {"parallel": 2},
])
def test_arguments_that_do_not_go_together_are_refused(keywords):
    with pytest.raises(ValueError, match="range|both"):
        operator({}, **keywords)


CHECK = {"check": "row_count > 0", "severity": "error", "passed": False}
MISSED = [{"feature_date": "2026-03-04", "status": "failed", "reason": "no rows", "checks": [CHECK]},
          {"feature_date": "2026-03-05", "status": "taken", "reason": "run x", "checks": []}]


@pytest.mark.parametrize(("dates", "is_final"), [(MISSED[:1], True), (MISSED, False), (MISSED[1:], False)])
def test_a_backfill_is_tried_again_unless_all_it_missed_are_failed_checks(dates, is_final):
    done = {"feature_date": "2026-03-03", "status": "done", "checks": [{**CHECK, "passed": True}]}
    report = {"status": "failed", "error": {"message": "dates failed"}, "dates": [done, *dates]}
    error, context = failure({"code": 1, "output": json.dumps(report)}, date=None, start="2026-03-03", end="2026-03-05")
    assert isinstance(error, AirflowFailException) == is_final
    for date in dates:
        assert f"{date['feature_date']} ({date['status']}: {date['reason']})" in str(error)
    pushed = context.pushed["report"]
    assert [date["feature_date"] for date in pushed["dates"]] == [date["feature_date"] for date in dates]
    assert pushed["states"]["done"] == 1


def test_status_fails_unless_every_date_is_done_or_empty():
    good = [{"feature_date": "2026-03-01", "status": "done"}, {"feature_date": "2026-03-02", "status": "empty"}]
    bad = [{"feature_date": f"2026-03-0{i}", "status": state, "reason": ""}
           for i, state in enumerate(("missing", "stale", "changed", "failed"), 3)]

    def status(dates: list[dict]) -> TidemillStatusOperator:
        env = {"FAKE_TIDEMILL": json.dumps({"output": json.dumps({"dates": dates})})}
        return TidemillStatusOperator(task_id="verify", file="p.yaml", start="2026-03-01", end="2026-03-06", env=env,
                                      command=FAKE)

    assert status(good).execute(Context())["states"] == {"done": 1, "empty": 1}
    with pytest.raises(AirflowFailException) as caught:
        status(good + bad).execute(Context())
    assert "4 of 6 dates" in str(caught.value)
    for date in bad:
        assert f"{date['feature_date']} ({date['status']})" in str(caught.value)
    assert "2026-03-01 (" not in str(caught.value)


def started(note: Path) -> int:
    """The pid of the command, once it runs."""
    deadline = time.monotonic() + 30
    while not (note.exists() and "\n" in note.read_text()):
        assert time.monotonic() < deadline, "the command did not start"
        time.sleep(0.02)
    return int(note.read_text().split()[1])


def kill_in_flight(tmp_path: Path, **orders: object) -> tuple[list[str], int, list[BaseException]]:
    """on_kill while the command sleeps: (what it noted after its start, its pid, how `execute` ended)."""
    note = tmp_path / "note"
    task = operator({"note": str(note), "sleep": 120, **orders}, stop_seconds=2.0)
    ended: list[BaseException] = []

    def run() -> None:
        try:
            task.execute(Context())
        except AirflowException as error:
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    pid = started(note)
    task.on_kill()
    thread.join(30)
    assert not thread.is_alive(), "the task went on"
    return note.read_text().splitlines()[1:], pid, ended


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_ending_the_task_asks_the_command_once_and_waits(tmp_path):
    notes, pid, ended = kill_in_flight(tmp_path)
    assert notes == ["SIGINT", "end"]
    assert not is_running(pid)
    assert len(ended) == 1
    assert "exit 130" in str(ended[0])


def test_a_command_that_does_not_leave_is_made_to(tmp_path):
    notes, pid, ended = kill_in_flight(tmp_path, leaves=False)
    assert notes == ["SIGINT", "SIGTERM"]
    assert not is_running(pid)
    assert len(ended) == 1
    assert "signal 9" in str(ended[0])


def test_an_exception_in_the_task_ends_the_command(tmp_path):
    note = tmp_path / "note"
    task = operator({"note": str(note), "sleep": 120, "log": ["begun"]})

    def broken(text: str) -> None:
        started(note)
        raise KeyboardInterrupt

    task._log_line = broken
    with pytest.raises(KeyboardInterrupt):
        task.execute(Context())
    assert note.read_text().splitlines()[1:] == ["SIGINT", "end"]
