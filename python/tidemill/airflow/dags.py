"""DAGs of a pipeline file: one that computes each feature date, and one that computes a range of them on demand."""

import datetime as dt
import inspect
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pendulum
from airflow.sdk import DAG, CronDataIntervalTimetable, Param, task
from airflow.sdk.exceptions import AirflowFailException

from tidemill.airflow.feature_dates import chunks_of
from tidemill.airflow.operators import TidemillOperator, TidemillStatusOperator
from tidemill.airflow.pipeline_header import PipelineHeader, read_header

EVERY_DATE = "@every_date"


def tidemill_dag(
    file: str | os.PathLike,
    *,
    start_date: str | dt.date,
    schedule: Any = EVERY_DATE,
    dag_id: str | None = None,
    names: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    engine: str = "native",
    engine_options: Mapping[str, str] | None = None,
    threads: int | None = None,
    memory: str | None = None,
    command: Sequence[str] | None = None,
    catchup: bool = False,
    max_active_runs: int = 1,
    default_args: Mapping[str, Any] | None = None,
    **dag_keywords: Any,
) -> DAG:
    """A DAG whose run for the interval that begins on a feature date computes that date, when the interval is over.

    :param file: the pipeline file; a relative path is relative to the file that calls this
    :param start_date: the first feature date, "2026-01-01" or a date; a time without a zone is one of the pipeline's
    :param schedule: EVERY_DATE (each day, or each hour at grain hour), or a cron expression in the pipeline's time
        zone: "0 3 * * *" computes a date at three in the morning of the day after; anything else is the DAG's
    :param dag_id: default: the pipeline's name
    :param catchup: whether feature dates since `start_date` that have no run get one
    :param max_active_runs: 1, as a run takes all cores by default
    :param dag_keywords: for the DAG

    Others: see TidemillOperator. OSError, ValueError: the file is no pipeline file.
    """
    path = _beside_caller(file, inspect.currentframe())
    header = read_header(path, names, env)
    with DAG(
        dag_id or _as_id(header.name),
        schedule=_timetable(schedule, header),
        start_date=_in_zone(start_date, header),
        catchup=catchup,
        max_active_runs=max_active_runs,
        default_args=dict(default_args or {}),
        **{"description": header.description or None, "tags": ["tidemill"], **dag_keywords},
    ) as dag:
        TidemillOperator(
            task_id="run", file=path, names=names, env=env, engine=engine, engine_options=engine_options,
            threads=threads, memory=memory, command=command)
    return dag


def tidemill_backfill_dag(
    file: str | os.PathLike,
    *,
    dag_id: str | None = None,
    chunk_days: int = 31,
    max_active_chunks: int = 1,
    parallel: int | None = None,
    names: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    engine: str = "native",
    engine_options: Mapping[str, str] | None = None,
    threads: int | None = None,
    memory: str | None = None,
    command: Sequence[str] | None = None,
    default_args: Mapping[str, Any] | None = None,
    **dag_keywords: Any,
) -> DAG:
    """A DAG that is triggered with feature dates `start` and `end` and computes them chunk by chunk.

    `plan` divides the range, a `backfill` task per chunk computes it from one read of its events, and `verify` fails,
    naming dates, unless the ledger says that every one is done or empty.

    :param file: the pipeline file; a relative path is relative to the file that calls this
    :param dag_id: default: the pipeline's name with "_backfill" behind it
    :param chunk_days: days of a chunk, unless the trigger says otherwise
    :param max_active_chunks: how many chunks of a run are computed at the same time
    :param parallel: how many dates of a chunk are written at the same time
    :param dag_keywords: for the DAG

    Others: see TidemillOperator. OSError, ValueError: the file is no pipeline file.
    """
    path = _beside_caller(file, inspect.currentframe())
    header = read_header(path, names, env)
    common = {"file": path, "names": names, "env": env, "command": command}
    engine_flags = {"engine": engine, "engine_options": engine_options, "threads": threads, "memory": memory}
    with DAG(
        dag_id or _as_id(header.name) + "_backfill",
        schedule=None,
        catchup=False,
        params=_range_params(header, chunk_days),
        default_args=dict(default_args or {}),
        **{"description": f"Feature dates of {header.name}, on demand", "tags": ["tidemill"], **dag_keywords},
    ) as dag:
        chunks = task(_plan, task_id="plan")("{{ params.start }}", "{{ params.end }}", "{{ params.chunk_days }}")
        backfill = TidemillOperator.partial(
            task_id="backfill", only="{{ params.only or '' }}", parallel=parallel,
            max_active_tis_per_dagrun=max_active_chunks, map_index_template="{{ task.start }} .. {{ task.end }}",
            **common, **engine_flags).expand_kwargs(chunks)
        verify = TidemillStatusOperator(
            task_id="verify", start="{{ params.start }}", end="{{ params.end }}", trigger_rule="all_done", **common)
        backfill >> verify
    return dag


def _plan(start: str, end: str, chunk_days: str) -> list[dict[str, str]]:
    try:
        return chunks_of(start, end, chunk_days)
    except ValueError as error:
        raise AirflowFailException(str(error)) from error


def _range_params(header: PipelineHeader, chunk_days: int) -> dict[str, Param]:
    kind = {"format": "date"} if header.grain == "day" else {"pattern": r"^\d{4}-\d\d-\d\dT\d\d"}
    return {
        "start": Param(type="string", title="First feature date", **kind),
        "end": Param(type="string", title="Last feature date", **kind),
        "only": Param("", type="string", title="Only dates in these states",
                      description="as in missing,stale,changed,failed; all if empty"),
        "chunk_days": Param(chunk_days, type="integer", minimum=1, title="Days of a chunk"),
    }


def _timetable(schedule: Any, header: PipelineHeader) -> Any:
    """Intervals that begin on feature dates. Hours are counted in UTC, as the pipeline's are."""
    if not isinstance(schedule, str):
        return schedule
    by_hour = header.grain == "hour"
    if schedule == EVERY_DATE:
        schedule = "@hourly" if by_hour else "@daily"
    return CronDataIntervalTimetable(schedule, timezone="UTC" if by_hour else header.zone.key)


def _in_zone(date: str | dt.date, header: PipelineHeader) -> pendulum.DateTime:
    if isinstance(date, str):
        date = dt.datetime.fromisoformat(date)
    elif not isinstance(date, dt.datetime):
        date = dt.datetime.combine(date, dt.time())
    return pendulum.instance(date, tz=header.zone.key)


def _beside_caller(file: str | os.PathLike, frame: Any) -> str:
    """Absolute path of `file`, looked for beside the file of the frame's caller."""
    return str((Path(frame.f_back.f_globals.get("__file__", "")).parent / file).resolve())


def _as_id(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)
