"""The command `tidemill` of the package: the native program, which stands beside this file."""

import os
import sys
from pathlib import Path


def start() -> None:
    """Becomes the native program. It calls this interpreter back where an engine lives in Python."""
    program = Path(__file__).with_name("tidemill")
    os.environ.setdefault("TIDEMILL_PYTHON", sys.executable)
    os.execv(program, ["tidemill", *sys.argv[1:]])
