"""Several pipelines at once: those with the same source share one read of it, and each publishes by itself."""

import json
from collections.abc import Iterable
from typing import Unpack
from zoneinfo import ZoneInfo

from ._pipeline import Computing, Pipeline, _Computing, _texts
from .errors import Invalid
from .feature_dates import FeatureDate, label_of
from .native import _core
from .reports import BackfillReport, RunReport, reports_of


def run(pipelines: Iterable[Pipeline], date: FeatureDate, **computing: Unpack[Computing]) -> list[RunReport]:
    """Computes, checks and publishes one feature date of each pipeline. Reports are in the order of the pipelines.

    One that fails leaves the others alone. Then the exception is that of the first that failed; its `report` is the
    list of all reports. An Invalid names every fault of every pipeline, before anything runs."""
    together = _at_least_one(pipelines)
    with _Computing(**computing) as how:
        return reports_of(json.loads(_core.run_all([one._core for one in together], _label(together, date), how)))


def backfill(
    pipelines: Iterable[Pipeline],
    start: FeatureDate,
    end: FeatureDate,
    *,
    only: Iterable[str] | str = (),
    parallel: int = 0,
    pass_dates: int = 0,
    fail_fast: bool = False,
    **computing: Unpack[Computing],
) -> list[BackfillReport]:
    """Computes the dates from start to end of each pipeline, as Pipeline.backfill does; `only` picks the dates of each
    pipeline by their own state. Reports and errors are as of run()."""
    together = _at_least_one(pipelines)
    cores = [one._core for one in together]
    first, last = _label(together, start), _label(together, end)
    with _Computing(**computing) as how:
        report = _core.backfill_all(cores, first, last, _texts(only), parallel, pass_dates, fail_fast, how)
    return reports_of(json.loads(report))


def _at_least_one(pipelines: Iterable[Pipeline]) -> list[Pipeline]:
    together = [pipelines] if isinstance(pipelines, Pipeline) else list(pipelines)
    if not together:
        raise Invalid("there is no pipeline to run")
    return together


def _label(pipelines: list[Pipeline], date: FeatureDate) -> str:
    labels = {label_of(date, one._core.grain, ZoneInfo(one._core.timezone)) for one in pipelines}
    if len(labels) > 1:
        raise Invalid(f"{date} is not one date to all of these pipelines, but {' and '.join(sorted(labels))}")
    return labels.pop()
