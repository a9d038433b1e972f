"""Loads the extension, over the Arrow libraries that pyarrow has loaded before it."""

import atexit

import pyarrow  # noqa: F401

from . import _core

__version__ = _core.__version__

# Later the libraries behind object stores are half gone.
atexit.register(_core.close)

__all__ = ["__version__", "_core"]
