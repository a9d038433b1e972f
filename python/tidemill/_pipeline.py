"""A pipeline in Python: loaded from its file or built call by call, and everything that can be done with it.

Both are one thing. A Pipeline is the YAML text of a pipeline file together with values for its ${NAME}s; the methods
that build return a new Pipeline with a longer text, and the methods that act hand the text to the C++ side, which
reads it as it reads any file."""

import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from datetime import date as Date
from datetime import datetime
from functools import cached_property
from typing import Any, Literal, Self

import yaml

from . import memory_tables
from .engines import make_engine
from .errors import Invalid, TidemillWarning
from .features import Features
from .native import _core
from .progress import Progress, callback_of
from .reports import BackfillReport, CheckResult, PlanReport, RunReport, StatusReport

FeatureDate = str | Date
ProgressArgument = bool | Callable[[Progress], None] | None


def pipeline(name: str, description: str = "") -> "Pipeline":
    """A pipeline of that name with nothing in it yet."""
    spec = {"pipeline": name}
    if description:
        spec["description"] = description
    return Pipeline(_to_yaml(spec), os.path.join(os.getcwd(), f"<{name}>"))


def label_of(date: FeatureDate) -> str:
    """The label of a feature date: "2026-03-02", of a datetime "2026-03-02T14"."""
    if isinstance(date, datetime):
        return date.strftime("%Y-%m-%dT%H")
    return date.isoformat() if isinstance(date, Date) else date


class Pipeline:
    """A pipeline. Immutable.

    Every method that computes takes: `engine` and `scheduler` (tidemill.engines), `threads` (0: all cores), `memory`
    ("4GB"; empty: 60 % of RAM), `scratch` (a folder for what does not fit into it) and `progress` (True: a bar;
    or a function of a Progress). Errors are exceptions of tidemill.errors; after any of them, and after Ctrl-C, the
    published table is as it was."""

    def __init__(self, text: str, path: str, names: Mapping[str, Any] | None = None) -> None:
        self.text = text
        self.path = path
        self.names = dict(names or {})

    @classmethod
    def load(cls, path: str | os.PathLike[str], **names: Any) -> Self:
        """The pipeline of a file. `names` are values for its ${NAME}s; a table in memory stands for the path of its
        rows: Pipeline.load("engagement.yaml", EVENTS=frame)."""
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"{os.fspath(path)}: {error}") from error
        made = cls(text, os.fspath(path), names)
        made._core  # noqa: B018 - faults show where the file is loaded
        return made

    @classmethod
    def from_yaml(cls, text: str, **names: Any) -> Self:
        """The pipeline of the text of a file, whose paths are relative to the working directory."""
        made = cls(text, os.path.join(os.getcwd(), "<text>"), names)
        made._core  # noqa: B018
        return made

    # What it says.

    @cached_property
    def _core(self) -> Any:
        values = {
            name: memory_tables.folder_of(value) if memory_tables.is_table(value) else str(value)
            for name, value in self.names.items()
        }
        return _core.Pipeline.parse(self.text, self.path, values)

    @cached_property
    def _spec(self) -> dict[str, Any]:
        return yaml.safe_load(self.text) or {}

    @property
    def name(self) -> str:
        return self._core.name

    @property
    def feature_names(self) -> list[str]:
        """The names of its features, in the order of the file; a feature with several windows has one for each."""
        return self._core.features

    def to_yaml(self) -> str:
        """The text of the pipeline's file."""
        return self.text

    def save(self, path: str | os.PathLike[str]) -> Self:
        """Writes the file and returns its pipeline. Relative paths are then relative to the file."""
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.text)
        return type(self)(self.text, os.fspath(path), self.names)

    def __repr__(self) -> str:
        return f"<tidemill.Pipeline {self._spec.get('pipeline')!r} of {self.path!r}>"

    def __eq__(self, other: object) -> bool:
        """Whether both say the same: layout and comments of the text do not matter."""
        if not isinstance(other, Pipeline):
            return NotImplemented
        return self._spec == other._spec and self.names == other.names

    __hash__ = None

    # Building. The arguments are the keys of the file; docs/reference/pipeline-file.md tells what they mean.

    def source(
        self,
        path: Any,
        *,
        day: str | None = None,
        event_time: str | None = None,
        format: Literal["parquet", "delta"] | None = None,
        timezone: str | None = None,
        where: str | None = None,
        columns: Mapping[str, str] | None = None,
        version: int | None = None,
        timestamp: str | None = None,
    ) -> Self:
        """Where the events come from: a path, a URI, or a table in memory (anything with `__arrow_c_stream__`)."""
        names = {}
        if memory_tables.is_table(path):
            names = {"SOURCE": path}
            path = "${SOURCE}"
        keys = {"path": os.fspath(path), "format": format, "version": version, "timestamp": timestamp, "day": day}
        keys |= {"event_time": event_time, "timezone": timezone, "where": where, "columns": columns and dict(columns)}
        return self._with(names, source=_given(keys))

    def grain(self, grain: Literal["day", "hour"]) -> Self:
        return self._with(grain=grain)

    def entity(self, *columns: str, null: Literal["drop", "keep", "error"] | None = None) -> Self:
        """The column (or columns) that features describe, and what becomes of events where one of them is NULL."""
        keys = {"entity": columns[0] if len(columns) == 1 else list(columns), "null_entity": null}
        return self._with(**_given(keys))

    def window(self, length: str) -> Self:
        """The default window of every feature, such as "31d"."""
        return self._with(window=length)

    def check(
        self,
        condition: str,
        *,
        on: Literal["input", "output"] = "input",
        severity: Literal["error", "warn"] | None = None,
    ) -> Self:
        """One more condition for publishing, on the events (`input`) or on the features (`output`)."""
        checks = {stage: list(given) for stage, given in self._spec.get("checks", {}).items()}
        check = condition if severity is None else {"check": condition, "severity": severity}
        checks.setdefault(on, []).append(check)
        return self._with(checks=checks)

    def feature(
        self,
        name: str,
        expr: str,
        *,
        window: str | None = None,
        windows: Iterable[str] | None = None,
        default: Any = None,
    ) -> Self:
        """One more feature; with `windows` one for each, called clicks_1d, clicks_7d. `default` stands for NULL."""
        keys = _given({"expr": expr, "window": window, "windows": windows and list(windows), "default": default})
        features = {**self._spec.get("features", {}), name: expr if len(keys) == 1 else keys}
        return self._with(features=features)

    def features(self, **expressions: str) -> Self:
        """Several features at once: name=expression."""
        return self._with(features={**self._spec.get("features", {}), **expressions})

    def output(
        self,
        path: str | os.PathLike[str],
        *,
        format: Literal["parquet", "delta"] | None = None,
        partition_by: Iterable[str] | None = None,
        mode: Literal["overwrite", "merge"] | None = None,
        cluster_by: str | None = None,
        file_size: str | None = None,
        max_rows_per_file: int | None = None,
        compression: str | None = None,
    ) -> Self:
        """Where features are published."""
        keys = {"path": os.fspath(path), "format": format, "partition_by": partition_by and list(partition_by)}
        keys |= {"mode": mode, "cluster_by": cluster_by, "file_size": file_size}
        keys |= {"max_rows_per_file": max_rows_per_file, "compression": compression}
        return self._with(output=_given(keys))

    def _with(self, names: Mapping[str, Any] | None = None, /, **keys: Any) -> Self:
        return type(self)(_to_yaml({**self._spec, **keys}), self.path, {**self.names, **(names or {})})

    # Doing.

    def run(self, date: FeatureDate, **computing: Any) -> RunReport:
        """Computes, checks and publishes one feature date. An exception of a run that began carries its report."""
        with _Computing(**computing) as how:
            return RunReport.from_document(json.loads(self._core.run(label_of(date), how)))

    def backfill(
        self,
        start: FeatureDate,
        end: FeatureDate,
        *,
        only: Iterable[str] | str = (),
        parallel: int = 0,
        pass_dates: int = 0,
        fail_fast: bool = False,
        **computing: Any,
    ) -> BackfillReport:
        """Computes the dates from start to end, both included, from one read of the events. Each date is checked and
        published by itself. `only` picks dates by their state ("missing", "stale", "failed", ...); `parallel` dates
        are written at the same time (0: as many as threads), `pass_dates` at most are computed from one read (0: what
        memory allows). Errors: RunFailed, with the report, if any date failed; the others are published."""
        states = [only] if isinstance(only, str) else list(only)
        with _Computing(**computing) as how:
            report = self._core.backfill(label_of(start), label_of(end), states, parallel, pass_dates, fail_fast, how)
        return BackfillReport.from_document(json.loads(report))

    def compute(self, date: FeatureDate, *, entity: str = "", limit: int | None = None, **computing: Any) -> Features:
        """The features of one date, nothing published; of one entity, or at most `limit` rows, where asked for."""
        with _Computing(**computing) as how:
            return Features(self._core.compute(label_of(date), entity, -1 if limit is None else limit, how))

    def check_input(self, date: FeatureDate, **computing: Any) -> list[CheckResult]:
        """The verdicts of the input checks alone."""
        with _Computing(**computing) as how:
            verdicts = json.loads(self._core.check(label_of(date), how))
        return [CheckResult.from_document(verdict) for verdict in verdicts]

    def plan(
        self, start: FeatureDate, end: FeatureDate | None = None, *, only: Iterable[str] = (), **computing: Any
    ) -> PlanReport:
        """What a run of `start`, or a backfill to `end`, would read and write. Computes nothing."""
        with _Computing(**computing) as how:
            report = self._core.plan(label_of(start), label_of(end or start), list(only), how)
        return PlanReport.from_document(json.loads(report))

    def status(self, start: FeatureDate = "", end: FeatureDate = "", **computing: Any) -> StatusReport:
        """The state of every date from start to end; without them, of the dates that the ledger knows."""
        with _Computing(**computing) as how:
            return StatusReport.from_document(json.loads(self._core.status(label_of(start), label_of(end), how)))

    def lint(self) -> list[str]:
        """Holds the pipeline against the columns and types of its source. Returns warnings; an Invalid names every
        fault."""
        return self._core.lint()

    def sql(self, date: FeatureDate, dialect: Literal["duckdb", "spark"] = "duckdb") -> str:
        """The query that another engine would run for a date."""
        return self._core.sql(label_of(date), dialect)


class _Computing:
    """The arguments that all computing methods share, as the C++ side takes them; closes the progress bar."""

    def __init__(
        self,
        *,
        engine: Any = None,
        scheduler: Any = None,
        threads: int = 0,
        memory: str = "",
        scratch: str | os.PathLike[str] = "",
        progress: ProgressArgument = None,
    ) -> None:
        self.callback = callback = callback_of(progress)
        self.how = _core.Computing()
        self.how.engine = make_engine(engine, scheduler)
        self.how.threads = threads
        self.how.memory = str(memory)
        self.how.scratch = os.fspath(scratch)
        self.how.on_warning = _warn
        if self.callback is not None:
            # Nothing here may hold `how`: Python's collector does not see cycles through the extension.
            self.how.on_progress = lambda *at: callback(Progress(*at))

    def __enter__(self) -> Any:
        return self.how

    def __exit__(self, *_: object) -> None:
        close = getattr(self.callback, "close", None)
        if close is not None:
            close()


def _warn(text: str) -> None:
    # The frames between: this function, the method of Pipeline.
    warnings.warn(text, TidemillWarning, stacklevel=3)


def _given(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in keys.items() if value is not None}


def _to_yaml(spec: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(spec), sort_keys=False, allow_unicode=True, width=10_000)
