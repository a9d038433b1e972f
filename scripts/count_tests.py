"""Adds up JUnit reports: prints the names of failed tests and "N passed, N failed, N skipped".

    count_tests.py REPORT...

Exits 1 if a test failed, a report is missing or a report holds no test that ran.
"""

import os
import sys
import xml.etree.ElementTree as ElementTree


def count(path: str) -> tuple[int, list[str], int]:
    """(passed, names of failed tests, skipped) of one report."""
    passed, failed, skipped = 0, [], 0
    for case in ElementTree.parse(path).iter("testcase"):
        kinds = {child.tag for child in case}
        if kinds & {"failure", "error"} or case.get("status") == "fail":
            failed.append("::".join(filter(None, (case.get("classname"), case.get("name")))))
        elif "skipped" in kinds or case.get("status") in ("disabled", "notrun"):
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main(paths: list[str]) -> int:
    passed, failed, skipped, empty = 0, [], 0, []
    for path in paths:
        if not os.path.exists(path):
            empty.append(path)
            continue
        p, f, s = count(path)
        if p + len(f) == 0:
            empty.append(path)
        passed, failed, skipped = passed + p, failed + f, skipped + s
    for path in empty:
        print(f"no test ran: {path}")
    for name in failed:
        print(f"FAILED {name}")
    tail = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {len(failed) + len(empty)} failed{tail}")
    return 1 if failed or empty or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
