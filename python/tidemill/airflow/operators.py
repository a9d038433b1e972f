"""Operators that run tidemill commands.

Exit codes 2 (the command or the file is wrong), 3 and 4 (a check failed) fail a task for good, as another attempt would
find the same. 1 (the run failed) and 5 (somebody else is publishing the dates), like a process that was killed, are
left to the task's retries. Whatever the code, the published table is as it was.
"""

import datetime as dt
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from tidemill.airflow.command_process import CommandProcess, find_command
from tidemill.airflow.feature_dates import feature_date_of
from tidemill.airflow.pipeline_header import read_header
from tidemill.airflow.reports import (
    explain_failure,
    is_final,
    named_dates,
    parse_report,
    small_report,
    unfinished,
)

FEATURE_DATE_OF_RUN = "{{ task.feature_date(dag_run.logical_date) }}"
REPORT_KEY = "report"


class TidemillCommandOperator(BaseOperator):
    """Runs one command on a pipeline file; what the command is, a subclass says in `command_arguments`.

    :param file: the pipeline file, as the worker sees it (template)
    :param names: values of ${NAME} in the file, `--set` (template)
    :param env: environment variables on top of the worker's (template)
    :param engine: who computes: "native", "spark", "dask"
    :param engine_options: flags of that engine, {"scheduler": "tcp://..."} for `--scheduler tcp://...` (template)
    :param threads: threads to compute with; default: all cores
    :param memory: memory to stay within, as in "4GB"; default: the command's
    :param arguments: more arguments for the command line, as they are (template)
    :param command: the program with its first arguments; default: `tidemill` beside this Python, else on PATH
    :param stop_seconds: how long the command may take to clean up when the task is ended

    The task's value is the report of the command, with long lists cut; of a failure, it is XCom "report".
    """

    template_fields: Sequence[str] = ("file", "names", "env", "engine_options", "arguments")
    template_fields_renderers = {"names": "json", "env": "json"}
    ui_color = "#d7ece8"

    def __init__(
        self,
        *,
        file: str | os.PathLike,
        names: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        engine: str = "native",
        engine_options: Mapping[str, str] | None = None,
        threads: int | None = None,
        memory: str | None = None,
        arguments: Sequence[str] = (),
        command: Sequence[str] | None = None,
        stop_seconds: float = 30.0,
        **keywords: Any,
    ) -> None:
        super().__init__(**keywords)
        self.file = os.fspath(file)
        self.names = dict(names or {})
        self.env = dict(env or {})
        self.engine = engine
        self.engine_options = dict(engine_options or {})
        self.threads = threads
        self.memory = memory
        self.arguments = list(arguments)
        self.command = list(command) if command else None
        self.stop_seconds = stop_seconds
        self._process: CommandProcess | None = None

    def command_arguments(self) -> list[str]:
        """The name of the command and its own arguments."""
        raise NotImplementedError

    def execute(self, context: Mapping[str, Any]) -> dict:
        """The report. AirflowFailException, AirflowException: the command failed, see above."""
        line = self._command_line()
        self.log.info("%s", shlex.join(line))
        code, output = self._run(line)
        report = parse_report(output)
        if code != 0:
            self._fail(context, explain_failure(code, report), report, is_final(code, report))
        if report is None:
            self._fail(context, f"no report on standard output: {output[:200]!r}", None, True)
        return self.judge(context, report)

    def judge(self, context: Mapping[str, Any], report: dict) -> dict:
        """The value of the task, from the report of a command that ended with 0; or an exception."""
        return small_report(report)

    def on_kill(self) -> None:
        if self._process:
            self.log.info("ending process %d", self._process.pid)
            self._process.stop(self.stop_seconds)

    def _command_line(self) -> list[str]:
        try:
            line = list(self.command or find_command())
        except FileNotFoundError as error:
            raise AirflowFailException(str(error)) from error
        line += self.command_arguments()
        line += [word for name, value in self.names.items() for word in ("--set", f"{name}={value}")]
        flags = {"engine": None if self.engine == "native" else self.engine, **self.engine_options,
                 "threads": self.threads, "memory": self.memory}
        return [*line, *_flags(flags), *self.arguments, "--json"]

    def _run(self, line: list[str]) -> tuple[int, str]:
        env = {**os.environ, **{name: str(value) for name, value in self.env.items()}}
        try:
            process = CommandProcess(line, env)
        except OSError as error:
            raise AirflowFailException(f"cannot run {line[0]}: {error.strerror}") from error
        with process:
            self._process = process
            try:
                for text in process.lines():
                    self._log_line(text)
                return process.finish()
            finally:
                self._process = None

    def _log_line(self, text: str) -> None:
        if "error: " in text:
            self.log.error("%s", text)
        elif "warning: " in text:
            self.log.warning("%s", text)
        else:
            self.log.info("%s", text)

    def _fail(self, context: Mapping[str, Any], why: str, report: dict | None, final: bool) -> None:
        if report is not None and self.do_xcom_push:
            context["ti"].xcom_push(key=REPORT_KEY, value=small_report(report))
        message = f"tidemill {shlex.join(self.command_arguments())}: {why}"
        raise AirflowFailException(message) if final else AirflowException(message)


class TidemillOperator(TidemillCommandOperator):
    """Computes and publishes one feature date, `tidemill run`; with `start` and `end` a range, `tidemill backfill`.

    :param date: the feature date; default: the one that the run's logical date is in, in the pipeline's time zone
        (template)
    :param start: first feature date of a range (template)
    :param end: last feature date of a range, included (template)
    :param only: states of the dates of a range that are computed, "missing,stale,failed" or a list; default: all
        (template)
    :param parallel: how many dates of a range are written at the same time

    Other parameters: see TidemillCommandOperator.
    """

    template_fields: Sequence[str] = (*TidemillCommandOperator.template_fields, "date", "start", "end", "only")

    def __init__(
        self,
        *,
        date: str | None = None,
        start: str | None = None,
        end: str | None = None,
        only: str | Iterable[str] | None = None,
        parallel: int | None = None,
        **keywords: Any,
    ) -> None:
        super().__init__(**keywords)
        if (start is None) != (end is None):
            raise ValueError("a range has both `start` and `end`")
        if start is not None and date is not None:
            raise ValueError("give `date`, or `start` and `end`, not both")
        if start is None and (only or parallel):
            raise ValueError("`only` and `parallel` go with a range, `start` and `end`")
        self.date = FEATURE_DATE_OF_RUN if start is None and date is None else date
        self.start = start
        self.end = end
        self.only = only if only is None or isinstance(only, str) else list(only)
        self.parallel = parallel

    def feature_date(self, instant: dt.datetime | None) -> str:
        """The feature date of a logical date. AirflowFailException: there is no such date or no such pipeline."""
        if instant is None:
            raise AirflowFailException("the run has no logical date; trigger it with one, or give the operator a date")
        try:
            return feature_date_of(instant, read_header(self.file, self.names, self.env))
        except (OSError, ValueError) as error:
            raise AirflowFailException(str(error)) from error

    def command_arguments(self) -> list[str]:
        if self.start is None:
            return ["run", self.file, "--date", str(self.date)]
        states = self.only if self.only is None or isinstance(self.only, str) else ",".join(self.only)
        flags = {"start": self.start, "end": self.end, "only": states or None, "parallel": self.parallel}
        return ["backfill", self.file, *_flags(flags)]


class TidemillStatusOperator(TidemillCommandOperator):
    """Fails unless every feature date from `start` to `end` is done or empty, by the ledger; names those that are not.

    :param start: first feature date (template)
    :param end: last feature date, included (template)

    Other parameters: see TidemillCommandOperator.
    """

    template_fields: Sequence[str] = (*TidemillCommandOperator.template_fields, "start", "end")

    def __init__(self, *, start: str, end: str, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.start = start
        self.end = end

    def command_arguments(self) -> list[str]:
        return ["status", self.file, *_flags({"start": self.start, "end": self.end})]

    def judge(self, context: Mapping[str, Any], report: dict) -> dict:
        missed = unfinished(report)
        if missed:
            total = len(report["dates"])
            self._fail(context, f"{len(missed)} of {total} dates are not done: {named_dates(missed)}", report, True)
        return small_report(report)


def _flags(values: Mapping[str, object]) -> list[str]:
    """{"max_rows": 3, "x": None} as ["--max-rows", "3"]."""
    words = []
    for name, value in values.items():
        if value is not None:
            words += ["--" + name.replace("_", "-"), str(value)]
    return words
