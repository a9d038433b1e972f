import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import tidemill_command
from dask_cluster import DaskCluster
from delta_world import DeltaWorld
from interop_setup import path_of
from interop_worker import Spark, SparkConnectServer, Worker
from s3_proxy import S3Proxy
from s3_server import S3Server
from sources import clicks
from world import World


def pytest_sessionstart(session: pytest.Session) -> None:
    if not tidemill_command.BINARY.exists():
        pytest.exit(f"no tidemill at {tidemill_command.BINARY}; run scripts/build release, or set TIDEMILL_BIN", 2)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Five days of clicks from 2026-03-01 and a pipeline of three-day windows."""
    made = World(tmp_path)
    clicks(made.events)
    made.pipeline()
    return made


def compiled_fault(name: str, folder: Path) -> str:
    """A library of tests/faults, for LD_PRELOAD."""
    compiler = shutil.which("cc")
    assert compiler, "no C compiler named cc"
    library = folder / f"{name}.so"
    source = tidemill_command.ROOT / f"tests/faults/{name}.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source, "-ldl"], check=True)
    return str(library)


@pytest.fixture(scope="session")
def flaky_reads(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, str]]:
    """Storage that fails or hangs: flaky_reads(folder, failures=3, spared=10) is the environment of a command whose
    reads of Parquet files below the folder do as tests/faults/flaky_reads.c says."""
    library = compiled_fault("flaky_reads", tmp_path_factory.mktemp("faults"))

    def environment(under: Path, **settings: object) -> dict[str, str]:
        names = {f"FLAKY_READS_{name.upper()}": str(value) for name, value in settings.items()}
        return {"LD_PRELOAD": library, "FLAKY_READS_UNDER": str(under.resolve()), **names}

    return environment


@pytest.fixture(scope="session")
def kill_at(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], dict[str, str]]:
    """kill_at(part_of_path, n) is the environment of a command that is killed before its n-th change to the names of
    files in such paths; tests/faults/kill_at.c says which."""
    library = compiled_fault("kill_at", tmp_path_factory.mktemp("faults"))
    return lambda path, step: {"LD_PRELOAD": library, "KILL_AT_PATH": path, "KILL_AT_STEP": str(step)}


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(path_of("versitygw"), tmp_path_factory.mktemp("s3"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server: S3Server) -> S3Server:
    """An S3 server that runs, whatever the test before has done to it."""
    if not s3_server.running:
        s3_server.start()
    return s3_server


@pytest.fixture
def s3_proxy(s3: S3Server) -> Iterator[S3Proxy]:
    proxy = S3Proxy(s3)
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def dask_site() -> Iterator[str]:
    """The folder of Dask, importable in this process."""
    folder = path_of("dask")
    sys.path.append(folder)
    yield folder
    sys.path.remove(folder)


@pytest.fixture(scope="session")
def dask_cluster(dask_site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """A scheduler and two workers, for tests that leave them as they are."""
    made = DaskCluster(dask_site, tmp_path_factory.mktemp("cluster"))
    yield made.start()
    made.stop()


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


@pytest.fixture(scope="session")
def connect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """A process whose engine is a Spark Connect server."""
    path_of("jars")  # where there is no Java there is no server
    scratch = tmp_path_factory.mktemp("connect")
    server = SparkConnectServer(scratch)
    worker = Worker("connect_worker", scratch, server.address)
    yield worker
    worker.stop()
    server.stop()


@pytest.fixture
def disk_delta(tmp_path: Path, deltars: Worker) -> DeltaWorld:
    """Five days of clicks from 2026-03-01 and a pipeline of three-day windows into a Delta table."""
    made = DeltaWorld(tmp_path, deltars)
    clicks(made.events)
    made.pipeline()
    return made


@pytest.fixture(params=["disk", "s3"])
def delta(request: pytest.FixtureRequest, disk_delta: DeltaWorld) -> DeltaWorld:
    """The same with the table on disk, and in a bucket."""
    if request.param == "disk":
        return disk_delta
    return DeltaWorld(disk_delta.folder, disk_delta.deltars, s3=request.getfixturevalue("s3"))


@pytest.fixture(params=["parquet", "delta"])
def remote(request: pytest.FixtureRequest, tmp_path: Path, s3: S3Server) -> World:
    """The same with source and table in a bucket; the table is of Parquet, and a Delta table."""
    if request.param == "parquet":
        made = World(tmp_path, s3=s3)
    else:
        made = DeltaWorld(tmp_path, request.getfixturevalue("deltars"), s3=s3)
    clicks(made.events)
    made.upload()
    made.pipeline()
    return made
