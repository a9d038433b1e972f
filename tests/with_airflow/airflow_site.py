"""An installation of Airflow in a folder: its database, DAGs, processes and API, all on loopback."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

from tidemill_command import BINARY, ROOT

AIRFLOW = Path(sys.executable).with_name("airflow")
FINISHED = ("success", "failed")


def wait_for(what: str, look: Callable[[], object], seconds: float) -> object:
    """What `look` returns once that is true; an AssertionError if it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.5)
    return found


class AirflowSite:
    """`site.folder` holds `events` and `features`, where the pipelines read and write, and `pipelines/dags`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events = folder / "events"
        self.features = folder / "features"
        self._processes: list[subprocess.Popen] = []
        self._token = ""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._address = f"127.0.0.1:{probe.getsockname()[1]}"
        programs = folder / "bin"
        programs.mkdir()
        (programs / "tidemill").symlink_to(BINARY)
        self.env = {
            **os.environ,
            "AIRFLOW_HOME": str(folder / "home"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(folder / "pipelines/dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{self._address}/execution/",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": self._address.partition(":")[2],
            "AIRFLOW__API__BASE_URL": f"http://{self._address}",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "False",
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "PATH": f"{programs}:{AIRFLOW.parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "python"),
            "EVENTS": str(self.events),
            "FEATURES": str(self.features),
            "SITE": str(folder),
            "FAKE_PROGRAM": str(Path(__file__).with_name("fake_tidemill.py")),
        }

    def install_dags(self, *folders: Path) -> None:
        for folder in folders:
            shutil.copytree(folder, self.folder / "pipelines", dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("__pycache__"))

    def migrate(self) -> None:
        self.airflow("db", "migrate")

    def airflow(self, *arguments: str, seconds: float = 180) -> str:
        """Runs a command of Airflow to its end; what it printed. SQLite has one writer, so it may be refused the
        database while the scheduler writes; then it is run again."""
        for _ in range(4):
            done = subprocess.run([AIRFLOW, *arguments], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, timeout=seconds)
            if done.returncode == 0 or "database is locked" not in done.stdout:
                break
        assert done.returncode == 0, f"airflow {' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-4000:]}"
        return done.stdout

    def start(self) -> None:
        """Starts API server, scheduler and DAG processor, and waits until the DAGs are known."""
        host, port = self._address.split(":")
        for name, flags in {"api-server": ["--host", host, "--port", port], "scheduler": ["--skip-serve-logs"],
                            "dag-processor": []}.items():
            with open(self.folder / f"{name}.log", "wb") as log:
                self._processes.append(subprocess.Popen([AIRFLOW, name, *flags], env=self.env, stdin=subprocess.DEVNULL,
                                                        stdout=log, stderr=subprocess.STDOUT))
        try:
            wait_for("the API server", self._is_up, 120)
            self._token = json.loads(self._fetch("GET", "/auth/token"))["access_token"]
            sources = list((self.folder / "pipelines/dags").glob("*.py"))
            wait_for("all DAGs", lambda: len({dag["fileloc"] for dag in self.api("dags")["dags"]}) == len(sources), 120)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in reversed(self._processes):
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes = []

    def api(self, path: str, method: str = "GET", body: dict | None = None, **query: object) -> dict:
        """A call to /api/v2/PATH. Errors: AssertionError with the end of its log where a process of Airflow has ended."""
        self._check_processes()
        return json.loads(self._fetch(method, f"/api/v2/{path}?{urllib.parse.urlencode(query)}", body) or "{}")

    def unpause(self, dag: str) -> None:
        self.api(f"dags/{dag}", "PATCH", {"is_paused": False})

    def trigger(self, dag: str, logical_date: str | None = None, **conf: object) -> str:
        """Starts a run; its id."""
        body = {"logical_date": logical_date and f"{logical_date}T00:00:00Z", "conf": conf}
        return self.api(f"dags/{dag}/dagRuns", "POST", body)["dag_run_id"]

    def runs(self, dag: str, **query: object) -> list[dict]:
        return self.api(f"dags/{dag}/dagRuns", limit=100, order_by="run_after", **query)["dag_runs"]

    def finished(self, dag: str, run: str, seconds: float = 180) -> str:
        """The state in which a run ended."""
        path = f"dags/{dag}/dagRuns/{urllib.parse.quote(run)}"

        def ended() -> str | None:
            state = self.api(path)["state"]
            return state if state in FINISHED else None

        return wait_for(f"{dag} {run}", ended, seconds)

    def tasks(self, dag: str, run: str) -> list[dict]:
        return self.api(f"{self._run_path(dag, run)}/taskInstances")["task_instances"]

    def xcom(self, dag: str, run: str, task: str, key: str = "return_value", map_index: int = -1) -> object:
        path = f"{self._run_path(dag, run)}/taskInstances/{task}/xcomEntries/{key}"
        return self.api(path, map_index=map_index, deserialize="true")["value"]

    def log(self, dag: str, run: str, task: str, attempt: int = 1) -> str:
        path = f"{self._run_path(dag, run)}/taskInstances/{task}/logs/{attempt}"
        return json.dumps(self.api(path, map_index=-1)["content"])

    def _run_path(self, dag: str, run: str) -> str:
        return f"dags/{dag}/dagRuns/{urllib.parse.quote(run)}"

    def _check_processes(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                continue
            log = (self.folder / f"{process.args[1]}.log").read_text(errors="replace")
            raise AssertionError(f"{process.args[1]} ended, exit {process.returncode}:\n{log[-4000:]}")

    def _is_up(self) -> bool:
        self._check_processes()
        try:
            health = json.loads(self._fetch("GET", "/api/v2/monitor/health"))
        except OSError:
            return False
        return health["scheduler"]["status"] == "healthy" and health["dag_processor"]["status"] == "healthy"

    def _fetch(self, method: str, path: str, body: dict | None = None) -> bytes:
        request = urllib.request.Request(
            f"http://{self._address}{path}", None if body is None else json.dumps(body).encode(), method=method,
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()[:500]}") from error
