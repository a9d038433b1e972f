"""A pipeline in Python: loaded from its file or built call by call, and everything that can be done with it.

Both are one thing. A Pipeline is the YAML text of a pipeline file together with values for its ${NAME}s; the methods
that build return a new Pipeline with a longer text, and the methods that act hand the text to the C++ side, which
reads it as it reads any file."""

import json
import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from datetime import date as Date
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal, Self, TypedDict, Unpack
from zoneinfo import ZoneInfo

import yaml

from . import memory_tables
from .engines import check_engine, make_engine
from .errors import Invalid, TidemillWarning
from .feature_dates import FeatureDate, label_of
from .features import Features
from .native import _core
from .progress import Bar, Progress, callback_of
from .reports import BackfillReport, CheckResult, PlanReport, RunReport, StatusReport

#: The name that stands for the path of a table in memory.
TABLE = "TIDEMILL_TABLE"


class Computing(TypedDict, total=False):
    """How to compute, as every method takes it."""

    engine: Any  #: "native" (the default), "spark", "dask", or an engine (tidemill.engines)
    scheduler: Any  #: where that engine is: an address or a client
    threads: int  #: 0: all cores
    memory: str  #: as in "4GB"; empty: 60 % of RAM
    scratch: str | os.PathLike[str]  #: folder for what does not fit into memory
    progress: bool | Callable[[Progress], None] | None  #: True: a bar; or what is called


def pipeline(name: str, description: str = "") -> "Pipeline":
    """A pipeline of that name with nothing in it yet."""
    spec = {"pipeline": name}
    if description:
        spec["description"] = description
    return Pipeline(_to_yaml(spec), os.path.join(os.getcwd(), f"<{name}>"))


class Pipeline:
    """A pipeline. Immutable.

    Every method that computes takes the keywords of Computing. Errors are exceptions of tidemill.errors; after any of
    them, and after Ctrl-C, the published table is the old one or the new one, as a whole."""

    def __init__(self, text: str, path: str, names: Mapping[str, Any] | None = None) -> None:
        self.text = text
        self.path = path
        self._names = {name: _value_of(name, value) for name, value in (names or {}).items()}

    @classmethod
    def load(cls, path: str | os.PathLike[str], /, **names: Any) -> Self:
        """The pipeline of a file. `names` are values for its ${NAME}s; a table in memory stands for the path of its
        rows: Pipeline.load("engagement.yaml", EVENTS=frame)."""
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(f"{os.fsdecode(path)}: {error}") from error
        # Where the file is does not change with the working directory.
        made = cls(text, os.path.abspath(os.fsdecode(path)), names)
        made._core  # noqa: B018 - faults show where the file is loaded
        return made

    @classmethod
    def from_yaml(cls, text: str, /, **names: Any) -> Self:
        """The pipeline of the text of a file, whose paths are relative to the working directory."""
        made = cls(text, os.path.join(os.getcwd(), "<text>"), names)
        made._core  # noqa: B018
        return made

    # What it says.

    @cached_property
    def _core(self) -> Any:
        return _core.Pipeline.parse(self.text, self.path, self._names)

    @cached_property
    def _spec(self) -> dict[str, Any]:
        # Every scalar is text to the reader of pipeline files, whatever YAML would make of it.
        try:
            spec = yaml.load(self.text, Loader=yaml.BaseLoader)
        except yaml.YAMLError as error:
            self._core  # noqa: B018 - says it better, with its place
            raise Invalid(f"{self.path}: {error}") from error
        return spec if isinstance(spec, dict) else {}

    def __getstate__(self) -> dict[str, Any]:
        return {"text": self.text, "path": self.path, "_names": self._names}

    @property
    def name(self) -> str:
        """The name that the pipeline gives itself."""
        return self._core.name

    @property
    def names(self) -> dict[str, str]:
        """The values of its ${NAME}s that were given; of a table in memory, the folder of its rows."""
        return dict(self._names)

    @property
    def feature_names(self) -> list[str]:
        """The names of its features, in the order of the file; a feature with several windows has one for each."""
        return self._core.features

    def to_yaml(self) -> str:
        """The text of the pipeline's file."""
        return self.text

    def save(self, path: str | os.PathLike[str]) -> Self:
        """Writes the file and returns its pipeline. Relative paths are then relative to the file."""
        if TABLE in self._names:
            _warn(f"the file takes its source from ${{{TABLE}}}: load it with {TABLE}=table")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.text)
        return type(self)(self.text, os.path.abspath(path), self._names)

    def __repr__(self) -> str:
        return f"<tidemill.Pipeline {self._spec.get('pipeline')!r} of {self.path!r}>"

    def __eq__(self, other: object) -> bool:
        """Whether both say the same: layout and comments of the text do not matter."""
        if not isinstance(other, Pipeline):
            return NotImplemented
        return self._spec == other._spec and self._names == other._names

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
            names = {TABLE: path}
            path = f"${{{TABLE}}}"
        keys = {"path": os.fspath(path), "format": format, "version": version, "timestamp": timestamp, "day": day}
        keys |= {"event_time": event_time, "timezone": timezone, "where": where, "columns": columns and dict(columns)}
        return self._with(names, source=_given(keys))

    def join(
        self,
        path: Any,
        *,
        key: str | Iterable[str] | Mapping[str, str],
        columns: str | Iterable[str] | Mapping[str, str] | None = None,
        type: Literal["left", "inner"] | None = None,
        as_of: Literal["day"] | None = None,
        day: str | None = None,
        format: Literal["parquet", "delta"] | None = None,
        version: int | None = None,
        timestamp: str | None = None,
    ) -> Self:
        """One more dimension whose columns are looked up for each event; comes after source(). `key` and `columns` are
        names, or mappings: {"user_id": "id"} where the dimension calls the key id, {"tier": "plan"} to call its plan
        tier. The dimension is a path, a URI, or a table in memory (anything with `__arrow_c_stream__`)."""
        source = self._spec.get("source")
        if source is None:
            raise Invalid("join: the pipeline has no source yet; call source() first")
        joins = source.get("join") or []
        joins = [joins] if isinstance(joins, Mapping) else list(joins)
        names = {}
        if memory_tables.is_table(path):
            name = f"TIDEMILL_DIMENSION_{len(joins) + 1}"
            names = {name: path}
            path = f"${{{name}}}"
        keys = {"path": os.fspath(path), "format": format, "version": version, "timestamp": timestamp}
        keys |= {"key": _named(key), "columns": columns and _named(columns), "type": type, "as_of": as_of, "day": day}
        return self._with(names, source={**source, "join": [*joins, _given(keys)]})

    def grain(self, grain: Literal["day", "hour"]) -> Self:
        """The step of the calendar of feature dates."""
        return self._with(grain=grain)

    def entity(self, *columns: str, null: Literal["drop", "keep", "error"] | None = None) -> Self:
        """The column (or columns) that features describe, and what becomes of events where one of them is NULL."""
        keys = {"entity": columns[0] if len(columns) == 1 and isinstance(columns[0], str) else _texts(columns), "null_entity": null}
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
        quarantine: bool | None = None,
        max_rate: float | None = None,
    ) -> Self:
        """One more condition for publishing, on the events (`input`) or on the features (`output`). `quarantine` and
        `max_rate` make a row rule of an input check every(condition), as `rule` does of the condition."""
        checks = {stage: list(given) for stage, given in (self._spec.get("checks") or {}).items() if given}
        keys = _given({"check": condition, "severity": severity, "quarantine": quarantine, "max_rate": max_rate})
        check = condition if len(keys) == 1 else keys
        checks.setdefault(on, []).append(check)
        return self._with(checks=checks)

    def rule(
        self,
        condition: str,
        *,
        name: str | None = None,
        quarantine: bool | None = None,
        max_rate: float | None = None,
        severity: Literal["error", "warn"] | None = None,
    ) -> Self:
        """One more condition that every event must meet. With `quarantine` events that fail leave the input and are written
        beside the ledger; `max_rate` is the share of a window's events, 0 to 1, that may fail before the date does."""
        checks = {stage: list(given) for stage, given in (self._spec.get("checks") or {}).items() if given}
        keys = _given({"rule": condition, "name": name, "quarantine": quarantine, "max_rate": max_rate, "severity": severity})
        checks.setdefault("rows", []).append(condition if len(keys) == 1 else keys)
        return self._with(checks=checks)

    def feature(
        self,
        name: str,
        expr: str,
        *,
        window: str | None = None,
        windows: Iterable[str] | str | None = None,
        default: Any = None,
    ) -> Self:
        """One more feature; with `windows` one for each, called clicks_1d, clicks_7d. `default` stands for NULL."""
        keys = _given({"expr": expr, "window": window, "windows": windows and _texts(windows), "default": default})
        features = {**(self._spec.get("features") or {}), name: expr if len(keys) == 1 else keys}
        return self._with(features=features)

    def features(self, /, **expressions: str) -> Self:
        """Several features at once: name=expression."""
        return self._with(features={**(self._spec.get("features") or {}), **expressions})

    def output(
        self,
        path: str | os.PathLike[str],
        *,
        format: Literal["parquet", "delta"] | None = None,
        partition_by: Iterable[str] | str | None = None,
        mode: Literal["overwrite", "merge"] | None = None,
        cluster_by: str | None = None,
        file_size: str | None = None,
        max_rows_per_file: int | None = None,
        compression: str | None = None,
        entities: Mapping[str, Any] | None = None,
    ) -> Self:
        """Where features are published. `entities` is a table of entities that have a row on every date:
        {"path": "users", "column": "id"}."""
        keys = {"path": os.fspath(path), "format": format, "partition_by": partition_by and _texts(partition_by)}
        keys |= {"mode": mode, "cluster_by": cluster_by, "file_size": file_size}
        keys |= {"max_rows_per_file": max_rows_per_file, "compression": compression, "entities": entities and dict(entities)}
        return self._with(output=_given(keys))

    def _with(self, names: Mapping[str, Any] | None = None, /, **keys: Any) -> Self:
        return type(self)(_to_yaml({**self._spec, **keys}), self.path, {**self._names, **(names or {})})

    # Doing.

    def run(self, date: FeatureDate, **computing: Unpack[Computing]) -> RunReport:
        """Computes, checks and publishes one feature date. An exception of a run that began carries its report."""
        with _Computing(**computing) as how:
            return RunReport.from_document(json.loads(self._core.run(self._label(date), how)))

    def backfill(
        self,
        start: FeatureDate,
        end: FeatureDate,
        *,
        only: Iterable[str] | str = (),
        parallel: int = 0,
        pass_dates: int = 0,
        fail_fast: bool = False,
        **computing: Unpack[Computing],
    ) -> BackfillReport:
        """Computes the dates from start to end, both included, from one read of the events. Each date is checked and
        published by itself. `only` picks dates by their state ("missing", "stale", "failed", ...); `parallel` dates
        are written at the same time (0: as many as threads), `pass_dates` at most are computed from one read (0: what
        memory allows). Errors: RunFailed, with the report, if any date failed; the others are published."""
        first, last = self._label(start), self._label(end)
        with _Computing(**computing) as how:
            report = self._core.backfill(first, last, _texts(only), parallel, pass_dates, fail_fast, how)
        return BackfillReport.from_document(json.loads(report))

    def compute(self, date: FeatureDate, *, entity: str = "", limit: int | None = None, **computing: Unpack[Computing]) -> Features:
        """The features of one date, nothing published; of one entity, or at most `limit` rows, where asked for."""
        if limit is not None and limit < 0:
            raise Invalid(f"limit: {limit} is no number of rows")
        with _Computing(**computing) as how:
            return Features(self._core.compute(self._label(date), str(entity), -1 if limit is None else limit, how))

    def check_input(self, date: FeatureDate, **computing: Unpack[Computing]) -> list[CheckResult]:
        """The verdicts of the input checks alone."""
        with _Computing(**computing) as how:
            verdicts = json.loads(self._core.check(self._label(date), how))
        return [CheckResult.from_document(verdict) for verdict in verdicts]

    def plan(
        self, start: FeatureDate, end: FeatureDate | None = None, *, only: Iterable[str] | str = (), **computing: Unpack[Computing]
    ) -> PlanReport:
        """What a run of `start`, or a backfill to `end`, would read and write. Computes nothing."""
        with _Computing(computes=False, **computing) as how:
            report = self._core.plan(self._label(start), self._label(end or start), _texts(only), how)
        return PlanReport.from_document(json.loads(report))

    def status(self, start: FeatureDate | None = None, end: FeatureDate | None = None, **computing: Unpack[Computing]) -> StatusReport:
        """The state of every date from start to end; without them, of the dates that the ledger knows."""
        first, last = (self._label(date) if date else "" for date in (start, end))
        with _Computing(computes=False, **computing) as how:
            return StatusReport.from_document(json.loads(self._core.status(first, last, how)))

    def lint(self) -> list[str]:
        """Holds the pipeline against the columns and types of its source. Returns warnings; an Invalid names every
        fault."""
        return self._core.lint()

    def sql(self, date: FeatureDate, dialect: Literal["duckdb", "spark"] = "duckdb") -> str:
        """The query that another engine would run for a date."""
        return self._core.sql(self._label(date), dialect)

    def training_set(self, labels: Any, label_time: str, **options: Any) -> Any:
        """The features of labels as of their time; tidemill.training_set for this pipeline alone."""
        from .training import training_set

        return training_set(self, labels, label_time, **options)

    def _label(self, date: FeatureDate) -> str:
        return label_of(date, self._core.grain, ZoneInfo(self._core.timezone))


class _Computing:
    """Computing as the C++ side takes it. Leaving it closes the progress bar and lets go of engine and callbacks."""

    def __init__(
        self,
        *,
        computes: bool = True,
        engine: Any = None,
        scheduler: Any = None,
        threads: int = 0,
        memory: str = "",
        scratch: str | os.PathLike[str] = "",
        progress: bool | Callable[[Progress], None] | None = None,
    ) -> None:
        callback = callback_of(progress)
        self.callback = callback
        self.how = _core.Computing()
        check_engine(engine, scheduler)
        if computes:
            self.how.engine = make_engine(engine, scheduler)
        self.how.threads = threads
        self.how.memory = str(memory)
        self.how.scratch = os.fspath(scratch)
        self.how.on_warning = _warn
        if callback is not None:
            self.how.on_progress = lambda *at: callback(Progress(*at))

    def __enter__(self) -> Any:
        return self.how

    def __exit__(self, *_: object) -> None:
        self.how.engine = self.how.on_progress = self.how.on_warning = None
        if isinstance(self.callback, Bar):
            self.callback.close()


def _warn(text: str) -> None:
    # The frames between: this function, the method of Pipeline.
    warnings.warn(text, TidemillWarning, stacklevel=3)


def _given(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in keys.items() if value is not None}


def _texts(values: Iterable[str] | str) -> list[str]:
    """A list of texts, or one text alone."""
    return [values] if isinstance(values, str) else [str(value) for value in values]


def _named(columns: str | Iterable[str] | Mapping[str, str]) -> Any:
    if isinstance(columns, str):
        return columns
    return dict(columns) if isinstance(columns, Mapping) else list(columns)


def _value_of(name: str, value: Any) -> str:
    """The text that a ${NAME} stands for."""
    if memory_tables.is_table(value):
        return memory_tables.folder_of(value)
    if isinstance(value, str | int | float | Decimal | Date):
        return _scalar(value)
    if isinstance(value, os.PathLike):
        return os.fsdecode(value)
    raise Invalid(f"{name}={value!r}: give a text, a path, a number, or a table (anything with __arrow_c_stream__)")


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, Date) else str(value)


def _to_yaml(spec: Mapping[str, Any]) -> str:
    return yaml.safe_dump(_as_texts(spec), sort_keys=False, allow_unicode=True, width=10_000)


def _as_texts(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _as_texts(one) for key, one in value.items()}
    return [_as_texts(one) for one in value] if isinstance(value, list | tuple) else _scalar(value)
