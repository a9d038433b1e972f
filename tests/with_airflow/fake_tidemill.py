"""Stands for the command: does as the JSON in FAKE_TIDEMILL says, and writes down what happened to it.

    code     its exit code
    output   what it prints on standard output
    log      lines on standard error
    note     file that gets a line for its start, one for each signal, and one for its end
    sleep    seconds until it ends by itself
    leaves   whether SIGINT makes it end, with 130
"""

import json
import os
import signal
import sys
import time

SIGNALS = {signal.SIGINT, signal.SIGTERM}
orders = {"code": 0, "output": "{}", "log": [], "note": os.devnull, "sleep": 0, "leaves": True,
          **json.loads(os.environ["FAKE_TIDEMILL"])}


def note(text: str) -> None:
    with open(orders["note"], "a", encoding="utf-8") as file:
        file.write(text + "\n")


def next_signal(seconds: float) -> bool:
    """Waits for a signal, writes it down; whether one came."""
    found = signal.sigtimedwait(SIGNALS, max(seconds, 0))
    if found:
        note(signal.Signals(found.si_signo).name)
    return found is not None


# Blocked, so that each one counts, even if two come at the same time.
signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
for line in orders["log"]:
    print(line, file=sys.stderr)
sys.stderr.flush()
note(f"start {os.getpid()} {json.dumps(sys.argv[1:])}")
deadline = time.monotonic() + orders["sleep"]
while (left := deadline - time.monotonic()) > 0:
    if next_signal(left) and orders["leaves"]:
        next_signal(0.5)
        note("end")
        sys.exit(130)
print(orders["output"])
sys.stdout.flush()
if orders["code"] < 0:
    os.kill(os.getpid(), -orders["code"])
sys.exit(orders["code"])
