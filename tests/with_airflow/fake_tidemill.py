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

orders = {"code": 0, "output": "{}", "log": [], "note": os.devnull, "sleep": 0, "leaves": True,
          **json.loads(os.environ["FAKE_TIDEMILL"])}


def note(text: str) -> None:
    with open(orders["note"], "a", encoding="utf-8") as file:
        file.write(text + "\n")


def on_signal(number: int, _: object) -> None:
    note(signal.Signals(number).name)
    if orders["leaves"]:
        time.sleep(0.3)  # a second signal would come now
        note("end")
        sys.exit(130)


signal.signal(signal.SIGINT, on_signal)
signal.signal(signal.SIGTERM, on_signal)
for line in orders["log"]:
    print(line, file=sys.stderr)
sys.stderr.flush()
note(f"start {os.getpid()} {json.dumps(sys.argv[1:])}")
deadline = time.monotonic() + orders["sleep"]
while time.monotonic() < deadline:
    time.sleep(0.05)
print(orders["output"])
sys.stdout.flush()
if orders["code"] < 0:
    os.kill(os.getpid(), -orders["code"])
sys.exit(orders["code"])
