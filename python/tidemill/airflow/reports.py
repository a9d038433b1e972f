"""Reports of commands, made small enough for XCom, and what they say about a failure."""

import json
from collections import Counter

_MOST_ITEMS = 50
_MOST_CHARACTERS = 1000
_MOST_DATES_NAMED = 20
_FINE = ("done", "empty", "skipped")

# After these the same command would only fail again: a wrong file or command, an input check, an output check.
FINAL_CODES = (2, 3, 4)


def parse_report(text: str) -> dict | None:
    """The document on standard output; None if there is none."""
    try:
        report = json.loads(text)
    except ValueError:
        return None
    return report if isinstance(report, dict) else None


def small_report(report: dict) -> dict:
    """The report with its dates counted by state, and listed only if they need attention; at most 50 items of any list
    and 1000 characters of any text. `left_out` tells how many items each list had beyond those."""
    report = dict(report)
    left_out: dict[str, int] = {}
    if "dates" in report:
        report["states"] = dict(Counter(date.get("status") for date in report["dates"]))
        report["dates"] = [_small_date(date) for date in unfinished(report)]
    small = {key: _capped(value, key, left_out) for key, value in report.items()}
    return {**small, "left_out": left_out} if left_out else small


def unfinished(report: dict) -> list[dict]:
    """Dates of a backfill or of `status` that are not as they should be."""
    return [date for date in report.get("dates", []) if date.get("status") not in _FINE]


def failed_checks(checks: list[dict]) -> list[dict]:
    return [check for check in checks if not check.get("passed") and check.get("severity") == "error"]


def is_final(code: int, report: dict | None) -> bool:
    """Whether trying again is of no use: so says the exit code, or every date that a backfill missed failed a check."""
    if code in FINAL_CODES:
        return True
    missed = unfinished(report or {})
    return code == 1 and bool(missed) and all(failed_checks(date.get("checks", [])) for date in missed)


def named_dates(dates: list[dict]) -> str:
    """'2026-03-02 (failed: reason), 2026-03-04 (missing)', as many as one can read."""
    names = []
    for date in dates[:_MOST_DATES_NAMED]:
        reason = f": {_cut(date['reason'])}" if date.get("reason") else ""
        names.append(f"{date.get('feature_date')} ({date.get('status')}{reason})")
    more = len(dates) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")


def explain_failure(code: int, report: dict | None) -> str:
    """What went wrong, in a line or a few."""
    if code < 0:
        return f"ended by signal {-code}; if nobody sent it, the machine may have run out of memory"
    if report is None:
        return f"exit {code}, and no report; its log is above"
    error = report.get("error") or {}
    found = [error.get("message", ""), *(one.get("message", "") for one in error.get("diagnostics", []))]
    messages = list(dict.fromkeys(filter(None, found)))[:_MOST_DATES_NAMED]
    text = f"exit {code}: " + "; ".join(map(_cut, messages))
    missed = unfinished(report)
    return f"{text}: {named_dates(missed)}" if missed else text


def _small_date(date: dict) -> dict:
    checks = failed_checks(date.get("checks", []))
    return {key: value for key, value in date.items() if key != "checks"} | ({"checks": checks} if checks else {})


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[:_MOST_CHARACTERS] + "..."


def _capped(value: object, path: str, left_out: dict[str, int]) -> object:
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, dict):
        return {key: _capped(item, f"{path}.{key}", left_out) for key, item in value.items()}
    if isinstance(value, list):
        if len(value) > _MOST_ITEMS:
            left_out[path] = len(value) - _MOST_ITEMS
        return [_capped(item, path, left_out) for item in value[:_MOST_ITEMS]]
    return value
