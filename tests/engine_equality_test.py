"""One suite of pipelines and data on every engine: what is published, and what the ledger says of it, is the same.

Bit for bit on Dask. On Spark integers, text, times, NULLs and the rows are the same, doubles to 1e-9."""

import warnings
from pathlib import Path

import pytest
import tidemill
from equality_cases import EqualityCase, all_cases
from spark_engine_test import assert_same_tables
from tidemill_command import call, data_files, fingerprint, hidden_files

ALL = all_cases()
ON_SPARK = [case for case in ALL if case.on_spark]


def native(case: EqualityCase, file: Path, folder: Path) -> Path:
    """The table that this machine publishes. Dates may fail, as where a check refuses a window without events."""
    sets = {"EVENTS": folder / "events", "OUT": folder / "native"}
    call("backfill", file, "--start", case.start, "--end", case.end, sets=sets, expect=None)
    assert (folder / "native/_tidemill/dates").is_dir()
    return folder / "native"


def quarantined(table: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted(table.rglob("*.quarantine"))]


@pytest.mark.parametrize("case", ALL, ids=[f"{case.name}-{case.start}" for case in ALL])
def test_dask(case: EqualityCase, dask_cluster, tmp_path: Path) -> None:
    file = case.make(tmp_path)
    want = native(case, file, tmp_path)
    pipeline = tidemill.Pipeline.load(file, EVENTS=tmp_path / "events", OUT=tmp_path / "dask")
    from tidemill.dask import engine

    # A task for every row group, and for every few entities.
    smallest = engine(dask_cluster.address, scan_bytes=1, window_bytes=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tidemill.TidemillWarning)
        try:
            pipeline.backfill(case.start, case.end, engine=smallest)
        except tidemill.RunFailed as failed:
            assert failed.report is not None, failed
    assert fingerprint(tmp_path / "dask") == fingerprint(want)
    assert_same_tables(tmp_path / "dask", want, list(case.entity))
    assert quarantined(tmp_path / "dask") == quarantined(want)


@pytest.mark.parametrize("case", ON_SPARK, ids=[f"{case.name}-{case.start}" for case in ON_SPARK])
def test_spark(case: EqualityCase, spark, tmp_path: Path) -> None:
    file = case.make(tmp_path)
    want = native(case, file, tmp_path)
    sets = {"EVENTS": tmp_path / "events", "OUT": tmp_path / "spark"}
    done = spark.tidemill(file, sets, "backfill", case.start, case.end)
    assert done["code"] in (0, 1) and done["report"] is not None, done
    if case.cancels:
        # Spark adds doubles as they come; the rows are the same, and nothing is left behind.
        assert {str(f.relative_to(sets["OUT"])) for f in data_files(sets["OUT"])} == set(fingerprint(want))
        assert hidden_files(sets["OUT"]) == []
        return
    assert_same_tables(sets["OUT"], want, list(case.entity))


def test_the_suite_has_rows_to_compare(tmp_path: Path) -> None:
    rows = 0
    for case in ALL:
        folder = tmp_path / f"{case.name}-{case.start}"
        folder.mkdir()
        rows += len(data_files(native(case, case.make(folder), folder)))
    assert rows > 40
