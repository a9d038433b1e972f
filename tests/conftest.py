import pytest
import tidemill_command


def pytest_sessionstart(session: pytest.Session) -> None:
    if not tidemill_command.BINARY.exists():
        pytest.exit(f"no tidemill at {tidemill_command.BINARY}; run scripts/build release, or set TIDEMILL_BIN", 2)
