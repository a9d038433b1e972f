"""Random pipelines over random sources give what the oracle gives.

TIDEMILL_RANDOM_PIPELINES sets how many (default 120), TIDEMILL_RANDOM_SEED where the seeds start (default 1). A failure
names its seed and prints the pipeline; with TIDEMILL_KEEP=DIR the source and the pipeline stay there.
"""

import os
import random
import shutil
from pathlib import Path

import oracle
import pytest
from oracle.compare import differences
from random_pipelines.pipeline import random_pipeline
from random_pipelines.source import random_source, write_source
from tidemill_command import call, published

FIRST = int(os.environ.get("TIDEMILL_RANDOM_SEED", "1"))
COUNT = int(os.environ.get("TIDEMILL_RANDOM_PIPELINES", "120"))
FLAGS = [[], [], ["--threads", "1"], ["--threads", "3"], ["--memory", "64MB"]]


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
    except Exception:
        print(f"seed {seed}, feature date {pipeline.date}, pipeline:\n{pipeline.text}")
        if keep := os.environ.get("TIDEMILL_KEEP"):
            shutil.copytree(tmp_path, Path(keep) / f"seed-{seed}", dirs_exist_ok=True)
        raise
    shutil.rmtree(tmp_path)
