"""A Dask scheduler and workers, each a process of its own, on loopback."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from s3_server import free_port
from tidemill_command import ROOT

READY_WITHIN = 60.0


@dataclass
class DaskCluster:
    """`site` is the folder of Dask for PYTHONPATH; `env` is what workers find in their environment."""

    site: str
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    scheduler: subprocess.Popen | None = None
    workers: list[subprocess.Popen] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self, workers: int = 2) -> "DaskCluster":
        self.folder.mkdir(parents=True, exist_ok=True)
        self.scheduler = self._process(
            "scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--dashboard-address", "127.0.0.1:0"
        )
        wait_until(self._answers)
        for _ in range(workers):
            self.add_worker()
        return self

    def add_worker(self, path: str = str(ROOT / "build/python"), slots: int = 1) -> subprocess.Popen:
        """One more worker that finds Tidemill at `path`. Without a nanny: it stays dead when it is killed."""
        worker = self._process(
            "worker", self.address, "--host", "127.0.0.1", "--nworkers", "1", "--nthreads", str(slots),
            "--memory-limit", "1GiB", "--dashboard-address", "127.0.0.1:0", "--no-nanny",
            "--local-directory", str(self.folder / f"worker-{len(self.workers)}"), "--death-timeout", "60", path=path,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def stop(self) -> None:
        """Workers first: one that loses its scheduler waits for it to come back."""
        for process in [*self.workers, *([self.scheduler] if self.scheduler else [])]:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=5)
        self.workers = []
        self.scheduler = None

    def _answers(self) -> bool:
        assert self.scheduler.poll() is None, self.log
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    @property
    def log(self) -> str:
        return "".join(path.read_text(errors="replace")[-3000:] for path in sorted(self.folder.glob("*.log")))

    def _process(self, *words: str, path: str = "") -> subprocess.Popen:
        env = {
            **os.environ,
            **self.env,
            "PYTHONPATH": os.pathsep.join(filter(None, [path, self.site])),
            "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
        }
        name = words[0] + (f"-{len(self.workers)}" if words[0] == "worker" else "")
        with (self.folder / f"{name}.log").open("ab") as log:
            # setpriv: they end when the tests do, even if those are killed.
            command = ["setpriv", "--pdeathsig", "KILL", sys.executable, "-m", "dask", *words]
            return subprocess.Popen(command, stdout=log, stderr=log, env=env)


def wait_until(holds: Callable[[], bool], within: float = READY_WITHIN) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.05)
