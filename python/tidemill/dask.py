"""Dask computes: its workers run the tasks of a pass.

A task is a text that says which part of which pass; its result is a text that says which files it wrote to the pass's
work folder, beside the table. Dask sees texts of a few kilobytes, no data. A task may run twice, for Dask runs tasks
again whose worker was lost: each attempt writes files of its own, and those of a lost attempt go with the folder."""

import contextlib
import queue
import socket
import sys
import threading
import uuid
from collections.abc import Callable
from typing import Any

import distributed
from distributed.comm import parse_address, parse_host_port

from .errors import Invalid, RunFailed
from .native import __version__, _core

#: How often a task is tried again that could not read or write something. Lost workers do not count.
RETRIES = 3
#: Seconds to wait for a scheduler, and for its first worker.
PATIENCE = 60
#: Seconds between two looks whether the run was cancelled.
_GLANCE = 0.1
#: The share of a worker's memory that is for tasks; the rest is for Python and what the allocator holds.
_SHARE = 0.6


def engine(scheduler: Any = None, *, scan_bytes: int = 0, window_bytes: int = 0) -> Any:
    """The engine whose tasks run on a Dask cluster: an address such as tcp://host:8786, or a distributed.Client; None
    is the client that the process has already.

    A task reads `scan_bytes` of compressed events, or merges `window_bytes` of tiles; 0 lets the pass choose. Errors:
    Invalid without a scheduler or a client to be had."""
    return _core.distributed_engine(Cluster(scheduler), scan_bytes, window_bytes)


def _sent_by_value() -> tuple[Callable[[str], str], Callable[[], str]]:
    """What workers run: a task, and the question for their version. Functions inside of a function travel as code, not
    as a name, so a scheduler need not have Tidemill, and a worker that lacks it can say so."""

    def run_tidemill_task(task: str) -> str:
        from tidemill.native import _core

        return _core.run_task(task)

    def tidemill_version() -> str:
        from tidemill.native import __version__

        return __version__

    return run_tidemill_task, tidemill_version


_run_task, _version = _sent_by_value()


class Cluster:
    """Runs tasks on the workers of a Dask scheduler."""

    def __init__(self, scheduler: Any) -> None:
        self._owned = isinstance(scheduler, str)
        self.client = _client_of(scheduler)
        self.address = self.client.scheduler.address

    def __del__(self, is_the_end: Callable[[], bool] = sys.is_finalizing) -> None:
        # At the end of the process Dask closes its clients itself, and a thread could not begin any more.
        if getattr(self, "_owned", False) and hasattr(self, "client") and not is_the_end():
            # In a thread of its own: this may be the client's, and a scheduler that is gone takes time.
            with contextlib.suppress(RuntimeError):
                threading.Thread(target=_close, args=(self.client,), daemon=True).start()

    def resources(self) -> tuple[int, int]:
        """How many tasks run at the same time, and bytes of memory for each."""
        try:
            self.client.wait_for_workers(1, timeout=PATIENCE)
        except TimeoutError:
            raise RunFailed(f"no worker came to {self.address} within {PATIENCE} seconds") from None
        self._compare_versions()
        workers = self.client.scheduler_info(n_workers=-1)["workers"].values()
        slots = sum(worker["nthreads"] for worker in workers)
        memory = min((worker["memory_limit"] or 0) // worker["nthreads"] for worker in workers)
        return slots, int(memory * _SHARE)

    def run(
        self, tasks: list[str], on_result: Callable[[int, str], bool], is_cancelled: Callable[[], bool]
    ) -> None:
        """Has all tasks run and hands on each result as it comes, until on_result returns False. Whatever the end,
        no task is left waiting."""
        name = f"tidemill-{uuid.uuid4().hex}"
        futures = {
            self.client.submit(_run_task, task, key=f"{name}-{index}", pure=False, retries=RETRIES): index
            for index, task in enumerate(tasks)
        }
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        try:
            for future in futures:
                future.add_done_callback(done.put)
            while futures:
                if is_cancelled():
                    raise KeyboardInterrupt
                try:
                    future = done.get(timeout=_GLANCE)
                except queue.Empty:
                    if self.client.status in ("closing", "closed"):
                        raise RunFailed(f"the connection to {self.address} was closed") from None
                    continue
                try:
                    result = self._result_of(future)
                except TimeoutError:
                    # Its worker was lost with the result, and it is computed again.
                    future.add_done_callback(done.put)
                    continue
                if not on_result(futures.pop(future), result):
                    return
        finally:
            # The scheduler drops what nobody wants any more. Cancelling would wait for its answer, which may never come.
            for future in futures:
                future.release()

    def _result_of(self, future: Any) -> str:
        try:
            return future.result(timeout=5)
        except TimeoutError:
            raise
        except distributed.KilledWorker as error:
            raise RunFailed(
                f"a task was given up after {self.address} had lost several workers to it: they may need more memory "
                f"({error})"
            ) from error
        except (distributed.client.FutureCancelledError, distributed.comm.CommClosedError) as error:
            raise RunFailed(f"{self.address} is gone, or has cancelled the tasks of the run ({error})") from error

    def _compare_versions(self) -> None:
        answers = self.client.run(_version, on_error="return")
        for worker, answer in answers.items():
            if isinstance(answer, BaseException):
                raise Invalid(f"worker {worker} cannot run Tidemill: install tidemill {__version__} there ({answer!r})")
            if answer != __version__:
                raise Invalid(f"worker {worker} has Tidemill {answer}, this process {__version__}: install the same")


def _close(client: Any) -> None:
    with contextlib.suppress(Exception):
        client.close(timeout=5)


def _client_of(scheduler: Any) -> Any:
    if isinstance(scheduler, distributed.Client):
        return scheduler
    if scheduler is None:
        try:
            return distributed.default_client()
        except ValueError:
            raise Invalid(
                "engine 'dask' needs a scheduler: give its address, as in tcp://host:8786, or a distributed.Client"
            ) from None
    if not isinstance(scheduler, str):
        raise Invalid(f"scheduler must be an address or a distributed.Client, not {scheduler!r}")
    _knock(scheduler)
    try:
        return distributed.Client(scheduler, timeout=PATIENCE, set_as_default=False, name="tidemill")
    except (OSError, ValueError, TimeoutError) as error:
        raise RunFailed(f"no Dask scheduler answers at {scheduler} ({error})") from error


def _knock(address: str) -> None:
    """Whether something answers there. A client that never got through takes minutes to let go. Errors: Invalid for
    what is no address, RunFailed where nobody is."""
    scheme, place = parse_address(address)
    try:
        host, port = parse_host_port(place)
        known = scheme in ("tcp", "tls", "ws", "wss") and bool(host)
    except ValueError:
        known = False
    if not known:
        raise Invalid(f"{address!r} is no address of a Dask scheduler: give one such as tcp://host:8786")
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError as error:
        raise RunFailed(f"no Dask scheduler answers at {address} ({error})") from error
