"""Training sets: labels with the features that they could have had at their time."""

import json
import os
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Unpack, overload

from . import memory_tables
from ._pipeline import Computing, Pipeline, _Computing
from .errors import Invalid
from .features import Features
from .native import _core
from .reports import TrainingSetReport

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class TrainingSet(Features):
    """The rows of a training set, one per label in the order of the labels: their columns, then the features."""

    def __init__(self, stream: Any, report: TrainingSetReport) -> None:
        super().__init__(stream)
        #: How many labels found features, and why others did not.
        self.report = report

    def __repr__(self) -> str:
        return f"<tidemill.TrainingSet: {len(self):,} rows, {len(self.column_names)} columns>"


@overload
def training_set(
    pipelines: Pipeline | Iterable[Pipeline],
    labels: Any,
    label_time: str,
    *,
    on: Mapping[str, str] | None = None,
    exact: bool = False,
    max_age: str | timedelta | None = None,
    prefix: bool = False,
    out: None = None,
    overwrite: bool = False,
    **computing: Unpack[Computing],
) -> TrainingSet: ...


@overload
def training_set(
    pipelines: Pipeline | Iterable[Pipeline],
    labels: Any,
    label_time: str,
    *,
    on: Mapping[str, str] | None = None,
    exact: bool = False,
    max_age: str | timedelta | None = None,
    prefix: bool = False,
    out: str | os.PathLike[str],
    overwrite: bool = False,
    **computing: Unpack[Computing],
) -> TrainingSetReport: ...


def training_set(
    pipelines: Pipeline | Iterable[Pipeline],
    labels: Any,
    label_time: str,
    *,
    on: Mapping[str, str] | None = None,
    exact: bool = False,
    max_age: str | timedelta | None = None,
    prefix: bool = False,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    **computing: Unpack[Computing],
) -> TrainingSet | TrainingSetReport:
    """Joins the features of one or several pipelines to labels: each label gets the features of its entity at the last
    feature date that was published and had ended at its time; with `exact`, those computed from events over windows that
    end at its time. Features that there are none of are NULL.

    `labels` is a path (of a Parquet file, a directory of them or a Delta table) or a table in memory; `label_time` its
    column of timestamps or dates. `on` names entity columns that are called differently: {"user": "user_id"}, the
    labels' name first. `max_age` ("7d", "36h", a timedelta) is how long before a label a feature date may have ended.
    With `prefix` feature columns are called PIPELINE__FEATURE. With `out`, a file (.parquet) or a directory, the rows
    are written there, at once or not at all. Errors: Invalid for columns that are missing or do not go together;
    RunFailed for what cannot be read or written."""
    if computing.get("engine") not in (None, "native"):
        raise Invalid("engine: training sets are made by this process alone")
    which = [pipelines] if isinstance(pipelines, Pipeline) else list(pipelines)
    if not which:
        raise Invalid("pipelines: there is none")
    place = memory_tables.folder_of(labels) if memory_tables.is_table(labels) else os.fsdecode(labels)
    with _Computing(computes=False, **computing) as how:
        document, rows = _core.training_set(
            [pipeline._core for pipeline in which],
            place,
            label_time,
            list((on or {}).items()),
            exact,
            _age(max_age),
            prefix,
            "" if out is None else os.fsdecode(out),
            overwrite,
            how,
        )
    report = TrainingSetReport.from_document(json.loads(document))
    return report if rows is None else TrainingSet(rows, report)


def _age(age: str | timedelta | None) -> str:
    if not isinstance(age, timedelta):
        return age or ""
    if age <= timedelta() or age % _HOUR:
        raise Invalid(f"max_age: {age} is no whole number of hours")
    return f"{age // _HOUR}h" if age % _DAY else f"{age // _DAY}d"
