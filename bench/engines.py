"""One feature date on every engine, and by the programs that it replaces, over the same generated events.

    python bench/engines.py --python PYTHON [--days 31] [--events-per-day 500000] [--entities 200000] [--rounds 3]

PYTHON has pyspark, dask and the package tidemill (TIDEMILL_PYTHON runs the engines). Rounds take turns, so that a busy
machine is busy for all; the table shows medians of whole processes, start included, and ratios to the native engine.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from process_times import times_of

ROOT = Path(__file__).resolve().parent.parent
TIDEMILL = Path(os.environ.get("TIDEMILL_BIN", ROOT / "build/release/tidemill"))
DATE = "2026-03-02"


class Cluster:
    """A Dask scheduler and two workers of one thread each, on loopback."""

    def __init__(self, python: str, folder: Path, environment: dict[str, str]) -> None:
        started = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        file = folder / "scheduler.json"
        common = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(file)]
        dask = [python, "-m", "distributed.cli.dask_scheduler", "--port", "0"]
        self.processes = [subprocess.Popen([*dask, *common], **started)]
        while not file.exists():
            time.sleep(0.1)
        worker = [python, "-m", "distributed.cli.dask_worker", "--no-nanny", "--nworkers", "1", "--nthreads", "1"]
        for name in ("one", "two"):
            arguments = [*worker, *common, "--name", name, "--local-directory", str(folder / name), "--death-timeout", "60"]
            self.processes.append(subprocess.Popen(arguments, **started))
        import json

        self.address = json.loads(file.read_text())["address"]

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            process.wait(timeout=30)


def commands(python: str, events: Path, out: Path, scheduler: str) -> dict[str, list[str]]:
    def run(*flags: str) -> list[str]:
        file = ROOT / "pipelines/user_engagement.yaml"
        sets = ["--set", f"EVENTS={events}", "--set", f"OUT={out / 'tidemill'}"]
        return [str(TIDEMILL), "run", str(file), "--date", DATE, "--quiet", *sets, *flags]

    def program(name: str) -> list[str]:
        return [python, str(ROOT / f"bench/programs/{name}.py"), str(events), str(out / name), DATE]

    return {
        "PySpark program": program("pyspark_job"),
        "Dask program": program("dask_job"),
        "tidemill on Spark": run("--engine", "spark"),
        "tidemill on Dask": run("--engine", "dask", "--scheduler", scheduler),
        "tidemill": run(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--events-per-day", type=int, default=500_000)
    parser.add_argument("--entities", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()

    folder = Path(tempfile.mkdtemp(prefix="tidemill-engines-"))
    environment = {**os.environ, "TIDEMILL_PYTHON": options.python, "SPARK_LOCAL_IP": "127.0.0.1"}
    sizes = ["--events-per-day", str(options.events_per_day), "--entities", str(options.entities)]
    events = folder / "events"
    dates = ["--days", str(options.days), "--end", DATE]
    subprocess.run([TIDEMILL, "generate", "events", events, *dates, *sizes, "--quiet"], check=True)
    cluster = Cluster(options.python, folder, environment)
    try:
        all_commands = commands(options.python, events, folder / "out", cluster.address)
        times: dict[str, list[float]] = {name: [] for name in all_commands}
        for _ in range(options.rounds):
            for name, command in all_commands.items():
                times[name].append(times_of(command, environment)[0])
    finally:
        cluster.stop()
        shutil.rmtree(folder)
    native = statistics.median(times["tidemill"])
    print(f"{options.days * options.events_per_day:,} events, {options.rounds} rounds, {os.cpu_count()} cores\n")
    print("| who | median s | times native |\n|---|---|---|")
    for name, each in times.items():
        print(f"| {name} | {statistics.median(each):.2f} | {statistics.median(each) / native:.1f} |")


if __name__ == "__main__":
    main()
