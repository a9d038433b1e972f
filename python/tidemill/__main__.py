"""`python -m tidemill`: the command line in this process, with the engines that live in Python."""

import os
import sys

from .engines import make_engine
from .native import _core


def main() -> int:
    """Runs the command line of sys.argv and returns its exit code."""
    return _core.main([b"tidemill", *map(os.fsencode, sys.argv[1:])], make_engine)


if __name__ == "__main__":
    sys.exit(main())
