"""Joins over random dimensions give what DuckDB gives, whatever the threads and the memory.

TIDEMILL_RANDOM_JOINS sets how many (default 60), TIDEMILL_RANDOM_SEED where the seeds start (default 1)."""

import datetime as dt
import os
import random
from pathlib import Path

import duckdb
import pytest
from oracle.compare import differences
from random_joins import DAYS, FIRST_DAY, query, random_case
from tidemill_command import call, fingerprint, published

FIRST = int(os.environ.get("TIDEMILL_RANDOM_SEED", "1"))
COUNT = int(os.environ.get("TIDEMILL_RANDOM_JOINS", "60"))
FLAGS = [["--threads", "1"], ["--threads", "3"], ["--memory", "1MB"]]


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_equals_duckdb(seed: int, tmp_path: Path) -> None:
    rnd = random.Random(seed)
    case = random_case(rnd, tmp_path)
    file = tmp_path / "pipeline.yaml"
    file.write_text(case.text, encoding="utf-8")
    dates = [FIRST_DAY + dt.timedelta(days=rnd.randrange(DAYS)) for _ in range(2)]
    start, end = min(dates), max(dates)
    try:
        for n, flags in enumerate(FLAGS):
            call("backfill", file, "--start", start, "--end", end, *flags, sets={"EVENTS": tmp_path / "events", "OUT": tmp_path / f"out{n}"})
        for date in {start, end}:
            call("run", file, "--date", date, sets={"EVENTS": tmp_path / "events", "OUT": tmp_path / "alone"})
            got = published(tmp_path / "out0", str(date))
            with duckdb.connect() as connection:
                want = connection.sql(query(case, tmp_path, date)).to_arrow_table()
            if got is None:
                assert want.num_rows == 0, f"nothing was published; DuckDB has {want.num_rows} rows"
                continue
            found = differences(got, want, case.entity, set())
            assert not found, "\n".join(found)
            assert published(tmp_path / "alone", str(date)).equals(got)
        assert fingerprint(tmp_path / "out1") == fingerprint(tmp_path / "out0")
        assert fingerprint(tmp_path / "out2") == fingerprint(tmp_path / "out0")
    except Exception:
        print(f"seed {seed}, dates {start} and {end}, pipeline:\n{case.text}")
        raise
