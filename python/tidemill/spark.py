"""Passes on Apache Spark.

Tidemill writes the queries of a pass, Spark computes them, and Tidemill audits and publishes what they gave, as it does
with what it computes itself. This needs PySpark 4, classic or Spark Connect, and nothing on the cluster beside Spark
(and its Delta and S3 connectors, for sources and tables that are there). Cluster and caller must see the same storage:
what Spark computes is written below the output table and read back from there.

    pipeline = tidemill.Pipeline.load("engagement.yaml")
    pipeline.run("2026-03-02", engine="spark", scheduler="sc://cluster:15002")

or with a session that there is:

    pipeline.run("2026-03-02", engine="spark", scheduler=spark)
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from .errors import Invalid

if TYPE_CHECKING:
    import pyarrow
    from pyspark.sql import DataFrame, SparkSession

__all__ = ["Client", "engine", "session"]

DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def session(
    remote: str | None = None,
    master: str = "local[*]",
    delta_jars: str | Path | None = None,
    **settings: object,
) -> SparkSession:
    """A Spark session: of a Spark Connect server (`remote`, "sc://host:port"), else of `master`.

    `delta_jars` is a folder with Delta's jars; a server has its own. `settings` are Spark's, with `__` for each dot:
    spark__sql__shuffle__partitions=64. An existing session of the process is used as it is.
    """
    from pyspark.sql import SparkSession

    builder = SparkSession.builder
    named = {name.replace("__", "."): str(value) for name, value in settings.items()}
    if remote is not None:
        if delta_jars is not None:
            raise ValueError("delta_jars: the jars of a Spark Connect server are set where it starts")
        builder = builder.remote(remote)
    else:
        builder = builder.master(master).appName("tidemill")
        if delta_jars is not None:
            jars = sorted(str(jar) for jar in Path(delta_jars).glob("*.jar"))
            if not jars:
                raise ValueError(f"delta_jars: there are no jars in {delta_jars}")
            named = {"spark.jars": ",".join(jars), **DELTA, **named}
    for name, value in named.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


#: A session has one set of settings and of views, whoever uses it.
_locks: WeakKeyDictionary[SparkSession, threading.Lock] = WeakKeyDictionary()
_locks_lock = threading.Lock()


class Client:
    """Runs the queries of passes in a session, which afterwards is as it was before.

    A query is a mapping: `settings` of the session while it runs, the temporary `view` over `paths` of a `format` with
    a `schema`, `options` and `origins`, further such views in `tables`, and the `sql` that reads them. `origins` says
    in which columns the view has metadata of a row's file: {"row_index": "tidemill row"}.
    """

    def __init__(self, session: SparkSession) -> None:
        self.session = session
        with _locks_lock:
            self._lock = _locks.setdefault(session, threading.Lock())
        self._tag = f"tidemill-{uuid.uuid4()}"
        # Tags of a classic session do not reach the jobs of toArrow(); those of its context do. Connect has no context.
        context = getattr(session, "sparkContext", None)
        self._add_tag = context.addJobTag if context else session.addTag
        self._remove_tag = context.removeJobTag if context else session.removeTag
        self._interrupt = context.cancelJobsWithTag if context else session.interruptTag

    def collect(self, query: Mapping[str, Any]) -> pyarrow.Table:
        """The rows of the query."""
        with self._frame(query) as frame:
            return frame.toArrow()

    def write(self, query: Mapping[str, Any], partition: str, uri: str) -> int:
        """Writes the rows of the query as Parquet files, a directory per value of the column `partition`. The names of
        the files are in the order of the query. Returns how many rows Spark counted on their way into the files."""
        from pyspark.sql import Observation
        from pyspark.sql.functions import count, lit

        written = Observation(f"{self._tag}-rows-{uuid.uuid4()}")
        with self._frame(query) as frame:
            counted = frame.observe(written, count(lit(1)).alias("rows"))
            counted.write.mode("overwrite").partitionBy(partition).parquet(uri)
        return int(written.get["rows"])

    def cancel(self) -> None:
        """Has what runs fail; from another thread."""
        self._interrupt(self._tag)

    @contextlib.contextmanager
    def _frame(self, query: Mapping[str, Any]) -> Iterator[DataFrame]:
        with self._lock, self._settings(dict(query["settings"])):
            views = [query, *query["tables"]]
            for view in views:
                self._read(view).createOrReplaceTempView(view["view"])
            self._add_tag(self._tag)  # of what this thread runs
            try:
                yield self.session.sql(query["sql"])
            finally:
                self._remove_tag(self._tag)
                for view in views:
                    self.session.catalog.dropTempView(view["view"])

    def _read(self, view: Mapping[str, Any]) -> DataFrame:
        paths = list(view["paths"])
        if not paths:
            return self.session.createDataFrame([], view["schema"])
        reader = self.session.read.format(view["format"]).options(**dict(view["options"]))
        if view["schema"]:
            reader = reader.schema(view["schema"])
        # One path goes in as such: Delta takes no lists.
        frame = reader.load(paths[0] if len(paths) == 1 else paths)
        # A view hides what is no column of its own.
        origins = {column: frame[f"_metadata.{name}"] for name, column in view["origins"].items()}
        return frame.withColumns(origins) if origins else frame

    @contextlib.contextmanager
    def _settings(self, settings: Mapping[str, str]) -> Iterator[None]:
        before = {name: self.session.conf.get(name, None) for name in settings}
        try:
            for name, value in settings.items():
                self.session.conf.set(name, value)
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    self.session.conf.unset(name)
                else:
                    self.session.conf.set(name, value)


def engine(scheduler: SparkSession | str | None = None) -> Any:
    """An engine that computes on Spark: in a session that there is, on a Spark Connect server ("sc://host:port"), or
    with a master ("local[4]", "yarn"); without one, in the session of the process or on all cores of this machine."""
    from .native import _core

    if scheduler is None:
        scheduler = session()
    elif isinstance(scheduler, str):
        scheduler = _session_at(scheduler)
    return _core.spark_engine(Client(scheduler))


#: Sessions on Spark Connect servers, by address.
_remote: dict[str, SparkSession] = {}


def _session_at(address: str) -> SparkSession:
    """The session of an address. Errors: Invalid if this process has a session with another master already, of which
    there can be but one."""
    if address.startswith("sc://"):
        known = _remote.get(address)
        if known is None or known.is_stopped:
            from pyspark.sql import SparkSession

            _remote[address] = known = SparkSession.builder.remote(address).create()
        return known
    made = session(master=address)
    master = made.sparkContext.master
    if master != address:
        raise Invalid(f"this process has a Spark session on {master}, so none can be on {address}: stop it, or pass it")
    return made
