"""Storage that fails or hangs under the command: tests/faults/flaky_reads.c, compiled and preloaded."""

import shutil
import subprocess
from pathlib import Path

from tidemill_command import ROOT


def flaky_reads(folder: Path, under: Path, **settings: object) -> dict[str, str]:
    """The environment of a command whose reads below `under` fail as the settings say (`failures=3`, `spared=10`)."""
    library = folder / "flaky_reads.so"
    if not library.exists():
        source = ROOT / "tests/faults/flaky_reads.c"
        compiler = shutil.which("cc")
        assert compiler, "no C compiler named cc"
        subprocess.run([compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, source, "-ldl"], check=True)
    names = {f"FLAKY_READS_{name.upper()}": str(value) for name, value in settings.items()}
    return {"LD_PRELOAD": str(library), "FLAKY_READS_UNDER": str(under.resolve()), **names}
