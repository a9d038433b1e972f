"""Where scripts/bootstrap_interop has put the systems that Tidemill is tested against."""

import functools
import subprocess

import pytest
from tidemill_command import ROOT


@functools.cache
def _paths() -> dict[str, str]:
    command = [ROOT / "scripts/bootstrap_interop", "--paths"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=1800)
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def path_of(part: str) -> str:
    """Path of a part; where this machine cannot have it, the test is skipped."""
    paths = _paths()
    if part not in paths:
        pytest.skip(paths[part + "!"])
    return paths[part]
