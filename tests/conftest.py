import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
import tidemill_command
from interop_setup import path_of
from interop_worker import Spark, Worker
from pipelines import write_pipeline
from s3_proxy import S3Proxy
from s3_server import S3Server
from sources import clicks
from tidemill_command import call, call_json, fingerprint, hidden_files, published

DATE = "2026-03-04"


def pytest_sessionstart(session: pytest.Session) -> None:
    if not tidemill_command.BINARY.exists():
        pytest.exit(f"no tidemill at {tidemill_command.BINARY}; run scripts/build release, or set TIDEMILL_BIN", 2)


@dataclass
class World:
    """A source, a pipeline over it and a table, in a folder of their own."""

    folder: Path

    @property
    def events(self) -> Path:
        return self.folder / "events"

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def file(self) -> Path:
        return self.folder / "pipeline.yaml"

    @property
    def sets(self) -> dict[str, object]:
        return {"EVENTS": self.events, "OUT": self.out}

    def pipeline(self, **parts: str) -> Path:
        return write_pipeline(self.file, **parts)

    def run(self, *flags: object, date: str = DATE, **keywords):
        return call("run", self.file, "--date", date, *flags, sets=self.sets, **keywords)

    def report(self, *flags: object, date: str = DATE, **keywords) -> dict:
        return call_json("run", self.file, "--date", date, *flags, sets=self.sets, **keywords)

    def rows(self, date: str = DATE) -> list[dict]:
        table = published(self.out, date)
        return [] if table is None else table.to_pylist()

    def table(self, date: str = DATE) -> pa.Table | None:
        return published(self.out, date)

    def fails(self, code: int, *words: str, date: str = DATE, **keywords) -> str:
        """A run that exits with `code`, says each of `words`, and leaves table and folder as they were."""
        before = fingerprint(self.out)
        stderr = self.run(date=date, expect=code, **keywords).stderr
        for word in words:
            assert word in stderr, f"no {word!r} in: {stderr}"
        assert fingerprint(self.out) == before, "a failed run changed the table"
        assert hidden_files(self.out) == [], "a failed run left files behind"
        return stderr


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Five days of clicks from 2026-03-01 and a pipeline of three-day windows."""
    made = World(tmp_path)
    clicks(made.events)
    made.pipeline()
    return made


@pytest.fixture(scope="session")
def flaky_reads(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, str]]:
    """Storage that fails or hangs: flaky_reads(folder, failures=3, spared=10) is the environment of a command whose
    reads of Parquet files below the folder do as tests/faults/flaky_reads.c says."""
    library = tmp_path_factory.mktemp("faults") / "flaky_reads.so"
    compiler = shutil.which("cc")
    assert compiler, "no C compiler named cc"
    source = tidemill_command.ROOT / "tests/faults/flaky_reads.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source, "-ldl"], check=True)

    def environment(under: Path, **settings: object) -> dict[str, str]:
        names = {f"FLAKY_READS_{name.upper()}": str(value) for name, value in settings.items()}
        return {"LD_PRELOAD": str(library), "FLAKY_READS_UNDER": str(under.resolve()), **names}

    return environment


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(path_of("versitygw"), tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def s3_proxy(s3: S3Server) -> Iterator[S3Proxy]:
    proxy = S3Proxy(s3)
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def deltars(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    worker = Worker("deltars_worker", tmp_path_factory.mktemp("deltars"))
    yield worker
    worker.stop()


@pytest.fixture(scope="session")
def duckdb_delta(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    worker = Worker("duckdb_worker", tmp_path_factory.mktemp("duckdb"))
    yield worker
    worker.stop()


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    worker = Spark(tmp_path_factory.mktemp("spark"))
    yield worker
    worker.stop()
