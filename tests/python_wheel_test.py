"""The wheel in an environment that has nothing else."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tidemill_command import ROOT

WHEELS = sorted((ROOT / "build/dist").glob("tidemill-*.whl"))


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with the wheel and what it asks for, in the versions that are pinned here."""
    folder = tmp_path_factory.mktemp("clean")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pins = [part for name in ("build", "test") for part in ("-c", str(ROOT / f"requirements/{name}.txt"))]
    pip = [folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *pins]
    subprocess.run([*pip, *WHEELS], check=True, timeout=300)
    return folder / "bin"


def call(*command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess:
    """Runs a command that knows nothing of this checkout."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("TIDEMILL", "PYTHON"))}
    return subprocess.run(
        list(map(str, command)), cwd=cwd, env={**bare, **environment}, capture_output=True, text=True, timeout=300
    )


def run(*command: object, cwd: Path) -> str:
    """Standard output of one that ends well."""
    done = call(*command, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_one_wheel():
    assert len(WHEELS) == 1, "scripts/build_wheel makes it"


def test_the_demo_runs(clean, tmp_path):
    text = run(clean / "tidemill", "demo", "demo", cwd=tmp_path)
    assert "user_engagement" in text and "click_through_rate" in text
    assert list((tmp_path / "demo").rglob("feature_date=*/part-00000.parquet"))


def test_the_api_publishes_a_delta_table(clean, tmp_path):
    script = """
import tidemill
tidemill.generate_events("events", days=3, events_per_day=1000, entities=50)
pipeline = (tidemill.pipeline("d").source("events", day="event_date").entity("user_id").window("2d")
            .feature("n", "count(*)").output("table", format="delta"))
print(pipeline.run("2026-01-03").status, len(tidemill.read_features("table")) > 0)
"""
    assert run(clean / "python", "-W", "ignore", "-c", script, cwd=tmp_path) == "done True\n"


def test_the_package_brings_types_and_docstrings(clean, tmp_path):
    with zipfile.ZipFile(WHEELS[0]) as wheel:
        names = wheel.namelist()
    assert {"tidemill/py.typed", "tidemill/_core.pyi", "tidemill/libtidemill_delta_bridge.so"} <= set(names)
    script = """
import inspect, tidemill
public = [getattr(tidemill, name) for name in tidemill.__all__ if not name.startswith("_")]
print([one for one in public if not inspect.getdoc(one)])
"""
    assert run(clean / "python", "-c", script, cwd=tmp_path) == "[]\n"


def test_an_engine_whose_client_is_missing_says_what_to_install(clean, tmp_path):
    (tmp_path / "p.yaml").write_text(
        "pipeline: p\nsource: {path: e, day: d}\nentity: u\nwindow: 1d\nfeatures: {n: count(*)}\noutput: {path: o}\n"
    )
    done = call(clean / "tidemill", "run", "p.yaml", "--date", "2026-01-01", "--engine", "spark", cwd=tmp_path)
    assert done.returncode == 2 and "tidemill[spark]" in done.stderr, done.stderr


def test_without_the_package_the_program_says_how_to_get_it(tmp_path, clean):
    (tmp_path / "p.yaml").write_text(
        "pipeline: p\nsource: {path: e, day: d}\nentity: u\nwindow: 1d\nfeatures: {n: count(*)}\noutput: {path: o}\n"
    )
    empty = tmp_path / "empty"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", empty], check=True)
    program = next(clean.parent.rglob("site-packages/tidemill/tidemill"))
    arguments = ("run", "p.yaml", "--date", "2026-01-01", "--engine", "dask")
    done = call(program, *arguments, cwd=tmp_path, TIDEMILL_PYTHON=str(empty / "bin/python"))
    assert done.returncode == 2 and "install tidemill" in done.stderr, done.stderr
    document = json.loads(call(program, *arguments, "--json", cwd=tmp_path, TIDEMILL_PYTHON=str(empty / "bin/python")).stdout)
    assert document["error"]["code"] == 2
