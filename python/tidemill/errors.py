"""What can go wrong, as exceptions. Their codes are the exit codes of the command line."""

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .reports import BackfillReport, RunReport

    Reports = RunReport | BackfillReport | list[RunReport] | list[BackfillReport] | None


@dataclass(frozen=True)
class Diagnostic:
    """One error about one place. `line` and `column` count from 1; 0 means unknown."""

    message: str
    hint: str = ""
    file: str = ""
    line: int = 0
    column: int = 0
    source_line: str = ""


class TidemillError(Exception):
    """A failure. The published table is the old one, or the new one where a date was published before it.

    `str()` of it shows every diagnostic with its line, a caret and a hint, as the command line does.
    """

    code = 1

    def __init__(
        self, text: str, diagnostics: list[Diagnostic] | None = None, report: "Reports" = None
    ) -> None:
        super().__init__(text)
        self.diagnostics = diagnostics or [Diagnostic(text)]
        #: What the run reported before it failed (RunReport or BackfillReport); of several pipelines a list of one
        #: for each; None where none began.
        self.report = report


class RunFailed(TidemillError):
    """Input, output or computation failed. Worth another try where the cause was transient."""


class Invalid(TidemillError, ValueError):
    """The pipeline or an argument is wrong; every fault is in `diagnostics`."""

    code = 2


class InputCheckFailed(TidemillError):
    """An input check with severity error did not pass."""

    code = 3


class OutputCheckFailed(TidemillError):
    """An output check with severity error did not pass."""

    code = 4


class Conflict(TidemillError):
    """Somebody else is publishing the same dates."""

    code = 5


class TidemillWarning(UserWarning):
    """Something that a user should know of a run that goes on."""


_BY_CODE = {kind.code: kind for kind in (RunFailed, Invalid, InputCheckFailed, OutputCheckFailed, Conflict)}
_INTERRUPTED = 130


_FIELDS = tuple(one.name for one in fields(Diagnostic))


def from_json(error: str, report: str = "") -> BaseException:
    """The exception for an error as the extension describes it; KeyboardInterrupt for a run that Ctrl-C ended."""
    document = json.loads(error)
    if document["code"] == _INTERRUPTED:
        return KeyboardInterrupt(document["message"])
    kind = _BY_CODE.get(document["code"], RunFailed)
    diagnostics = [Diagnostic(**{name: one[name] for name in _FIELDS if name in one}) for one in document["diagnostics"]]
    text = document.get("rendered", document["message"]).rstrip("\n").removeprefix("error: ")
    return kind(text, diagnostics, _report_of(report))


def _report_of(report: str) -> "Reports":
    if not report:
        return None
    from .reports import report_of, reports_of

    document = json.loads(report)
    return reports_of(document) if "pipelines" in document else report_of(document)
