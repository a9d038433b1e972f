"""Other systems that read and write tables: programs of tests/interop, asked line by line."""

import itertools
import json
import os
import queue
import socket
import subprocess
import threading
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from interop_setup import path_of
from tidemill_command import ROOT

ANSWER_WITHIN = 240.0
PACKAGE = Path(os.environ.get("TIDEMILL_PACKAGE", ROOT / "build/python"))  # of scripts/build_wheel


class Refused(Exception):
    """The system answered with an error."""


class Worker:
    """A program of tests/interop that runs until stop(). Its requests are its functions: worker.ask("read", ...)."""

    def __init__(self, program: str, scratch: Path, *arguments: str) -> None:
        self.program, self.scratch = program, scratch
        self.log = scratch / f"{program}.log"
        self.numbers = itertools.count()
        self.answers: queue.Queue[str] = queue.Queue()
        command = [path_of("python"), str(ROOT / "tests/interop" / f"{program}.py"), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=scratch,
                env=environment,
            )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout:
            self.answers.put(line)
        self.answers.put("")

    def ask(self, what: str, **arguments: object):
        asked = {name: value for name, value in arguments.items() if value is not None}
        self.process.stdin.write(json.dumps({"do": what, **asked}, default=str) + "\n")
        self.process.stdin.flush()
        line = self.answers.get(timeout=ANSWER_WITHIN)
        if not line:
            raise RuntimeError(f"{self.program} ended: {self.log.read_text(errors='replace')[-3000:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["result"]

    def read(self, table: Path | str, sql: str | None = None, **arguments: object) -> pa.Table:
        """The rows of a Delta table, or the answer to a query over it as `t`."""
        into = self.scratch / f"{self.program}-{next(self.numbers)}.parquet"
        self.ask("read", table=table, into=into, sql=sql, **arguments)
        rows = pq.ParquetFile(into).read()
        into.unlink()
        return rows

    def write(self, table: Path | str, rows: pa.Table, **arguments: object) -> None:
        source = self.scratch / f"{self.program}-{next(self.numbers)}.parquet"
        pq.write_table(rows, source)
        self.ask("write", table=table, rows=source, **arguments)
        source.unlink()

    def tidemill(self, file: Path, sets: dict[str, object], method: str, *arguments: object, **keywords: object) -> dict:
        """What a method of a pipeline gives with Spark as its engine: {"code": 0, "report": ...} or an error."""
        if not list((PACKAGE / "tidemill").glob("_core*")):
            raise RuntimeError(f"no Python package in {PACKAGE}; run scripts/build_wheel, or set TIDEMILL_PACKAGE")
        names = {name: str(value) for name, value in sets.items()}
        return self.ask("tidemill", file=file, names=names, method=method, arguments=arguments, keywords=keywords)

    def stop(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=5)


class Spark(Worker):
    def __init__(self, scratch: Path) -> None:
        super().__init__("spark_worker", scratch, path_of("jars"), str(scratch))

    def sql(self, *statements: str) -> list[list]:
        """Runs statements; the rows of the last."""
        return self.ask("sql", statements=statements)

    def script(self, text: str) -> pa.Table:
        """The rows that the last statement of a script gives."""
        into = self.scratch / f"script-{next(self.numbers)}.parquet"
        self.ask("script", text=text, into=into)
        rows = pq.ParquetFile(into).read()
        into.unlink()
        return rows


class SparkConnectServer:
    """A Spark Connect server on loopback: a process of its own that runs until stop()."""

    def __init__(self, scratch: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address = f"sc://127.0.0.1:{port}"
        self.log = scratch / "server.log"
        python = path_of("python")
        find = "import pyspark, os; print(os.path.dirname(pyspark.__file__))"
        home = subprocess.run([python, "-c", find], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        settings = {
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": port,
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": 2,
            "spark.sql.warehouse.dir": scratch / "warehouse",
        }
        command = [f"{home}/bin/spark-submit", "--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
        command += ["--master", "local[2]", "--driver-memory", "1500m"]
        command += [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
        environment = {**os.environ, "SPARK_HOME": home, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": python}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "spark-internal"], stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=scratch, env=environment
            )
        deadline = time.monotonic() + ANSWER_WITHIN
        while "Spark Connect server started" not in self.log.read_text(errors="replace"):
            ended = self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"no Spark Connect server: {self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.2)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=5)
