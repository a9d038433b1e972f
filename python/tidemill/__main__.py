"""`python -m tidemill`: the command line in this process, with the engines that live in Python."""

import sys

from .engines import make_engine
from .native import _core


def main() -> int:
    return _core.main(["tidemill", *sys.argv[1:]], make_engine)


if __name__ == "__main__":
    sys.exit(main())
