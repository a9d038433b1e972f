"""One tidemill command as a process: its report, its log as it comes, and its end on demand."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_END_SECONDS = 5.0  # from SIGTERM, after which the program does nothing more, to SIGKILL


def find_command() -> list[str]:
    """The `tidemill` beside this Python, else the one on PATH. FileNotFoundError: there is none."""
    beside = Path(sys.executable).with_name("tidemill")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("tidemill")
    if not found:
        raise FileNotFoundError(f"no tidemill beside {sys.executable} or on PATH; install it there, or give `command`")
    return [found]


class CommandProcess:
    """A process whose standard error is read line by line and whose standard output is kept.

    It has a session of its own. Whoever ends a task signals all of its process group, and a second signal makes the
    command leave at once, with what it has staged still there; so it hears of the end from `stop` alone.

    `stop` may be called in a signal handler of the thread that is in `lines` or `finish`.
    """

    def __init__(self, arguments: Sequence[str], env: Mapping[str, str]) -> None:
        """OSError: there is no such program, or it cannot be run."""
        self._process = subprocess.Popen(
            arguments, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            encoding="utf-8", errors="replace", start_new_session=True)
        self._output = ""
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def lines(self) -> Iterator[str]:
        """Lines of standard error, until it is closed."""
        for line in self._process.stderr:
            yield line.rstrip("\n")

    def finish(self) -> tuple[int, str]:
        """Waits for the end: (exit code, or minus the signal that ended it; standard output)."""
        self._reader.join()
        return self._process.wait(), self._output

    def stop(self, seconds: float) -> None:
        """Ends the process, if it runs: it is asked, has `seconds` to remove what it staged, and then has to go."""
        for signal_number, patience in ((signal.SIGINT, seconds), (signal.SIGTERM, _END_SECONDS)):
            self._process.send_signal(signal_number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(patience)
                return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_SECONDS)

    def __enter__(self) -> "CommandProcess":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.stop(_END_SECONDS)
        self._reader.join(_END_SECONDS)
        if not self._reader.is_alive():
            self._process.stdout.close()
        self._process.stderr.close()

    def _read_output(self) -> None:
        self._output = self._process.stdout.read()
