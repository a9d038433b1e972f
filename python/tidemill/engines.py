"""Who computes: this process, Spark or Dask."""

from importlib import import_module
from typing import Any

from .errors import Invalid
from .native import _core

_CLIENTS = {"spark": "pyspark", "dask": "distributed"}


def make_engine(engine: Any, scheduler: Any = None) -> Any:
    """The engine of that name (None and "native": this process), or the one that is given.

    `scheduler` is its address, or a client that there is: tcp://host:8786 or a distributed.Client of Dask;
    sc://host:15002, a master, or a SparkSession of Spark. Errors: Invalid for an unknown name or a client that is
    not installed."""
    check_engine(engine, scheduler)
    if isinstance(engine, _core.PassEngine):
        return engine
    if engine in (None, "native"):
        return None
    try:
        return import_module(f".{engine}", __package__).engine(scheduler or None)
    except ModuleNotFoundError as error:
        if not error.name or error.name.startswith("tidemill"):
            raise
        raise Invalid(
            f"engine {engine!r} needs {_CLIENTS[engine]}, which is not installed ({error}): install tidemill[{engine}]"
        ) from error


def check_engine(engine: Any, scheduler: Any = None) -> None:
    """Whether there is such an engine; connects to nothing. Errors: Invalid."""
    if isinstance(engine, _core.PassEngine):
        return
    if engine not in (None, "native", *_CLIENTS):
        raise Invalid(f"no engine {engine!r}: there is native, spark and dask")
    if engine in (None, "native") and scheduler is not None:
        raise Invalid("the native engine has no scheduler: say engine='dask' or engine='spark'")
