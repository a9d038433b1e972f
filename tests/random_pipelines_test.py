"""Random pipelines over random sources give what the oracle gives.

TIDEMILL_RANDOM_PIPELINES sets how many (default 120), TIDEMILL_RANDOM_SEED where the seeds start (default 1). A failure
names its seed and prints the pipeline; with TIDEMILL_KEEP=DIR the source and the pipeline stay there.
"""

import os
import random
import shutil
from pathlib import Path

import duckdb
import oracle
import pyarrow as pa
import pytest
from oracle.compare import differences
from random_pipelines.pipeline import random_pipeline
from random_pipelines.source import random_source, write_source
from tidemill_command import call, published

FIRST = int(os.environ.get("TIDEMILL_RANDOM_SEED", "1"))
COUNT = int(os.environ.get("TIDEMILL_RANDOM_PIPELINES", "120"))
UNTAMED = ("odd", "special", "large", "unsigned64")  # where DuckDB's own arithmetic overflows or rounds
FLAGS = [[], [], ["--threads", "1"], ["--threads", "3"], ["--memory", "64MB"]]


def compare_sql(file: Path, date: str, names: dict[str, str], got: pa.Table, entity: list[str]) -> None:
    """`tidemill sql` gives the same rows, doubles to 1e-9, whatever the time zone of the session."""
    query = call("sql", file, "--date", date, "--dialect", "duckdb", sets=names).stdout
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        rows = connection.sql(query).to_arrow_table()
    loose = {name for name in got.column_names if pa.types.is_floating(got.schema.field(name).type)}
    found = differences(rows, got, entity, loose)
    assert not found, "tidemill sql:\n" + "\n".join(found)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_equals_oracle(seed: int, tmp_path: Path) -> None:
    rnd = random.Random(seed)
    source = random_source(rnd)
    write_source(rnd, source, tmp_path / "events")
    pipeline = random_pipeline(rnd, source)
    file = tmp_path / "pipeline.yaml"
    file.write_text(pipeline.text, encoding="utf-8")
    names = {"EVENTS": str(tmp_path / "events"), "OUT": str(tmp_path / "out")}
    try:
        want, entity = oracle.features(str(file), pipeline.date, names)
        call("run", file, "--date", pipeline.date, *rnd.choice(FLAGS), sets=names)
        got = published(tmp_path / "out", pipeline.date)
        if got is None:
            assert want.num_rows == 0, f"nothing was published; the oracle has {want.num_rows} rows"
        else:
            found = differences(got, want, entity, pipeline.loose)
            assert not found, "\n".join(found)
            if not any(word in pipeline.text for word in UNTAMED):
                compare_sql(file, pipeline.date, names, got, entity)
    except Exception:
        print(f"seed {seed}, feature date {pipeline.date}, pipeline:\n{pipeline.text}")
        if keep := os.environ.get("TIDEMILL_KEEP"):
            shutil.copytree(tmp_path, Path(keep) / f"seed-{seed}", dirs_exist_ok=True)
        raise
    shutil.rmtree(tmp_path)
