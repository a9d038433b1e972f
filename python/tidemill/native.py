"""Loads the extension, over the Arrow libraries of pyarrow."""

import atexit
import ctypes
from pathlib import Path

import pyarrow

# The extension looks for them in the folder beside its own. The package may lie elsewhere (on PYTHONPATH, or where
# `pip install --target` put it); a library that is loaded already is found anywhere.
for _library in ("libarrow_compute", "libparquet", "libarrow_s3"):
    for _file in Path(pyarrow.get_library_dirs()[0]).glob(f"{_library}.so.*"):
        ctypes.CDLL(str(_file))

from . import _core  # noqa: E402

__version__ = _core.__version__

# Later the libraries behind object stores are half gone.
atexit.register(_core.close)

__all__ = ["__version__", "_core"]
