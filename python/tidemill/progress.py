"""How far a call has come: the callback's argument, and bars for notebooks and terminals."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """`done` of `total` units of a stage ("scan", "merge", "write", ...)."""

    stage: str
    done: int
    total: int
    unit: str

    @property
    def fraction(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 1.0


def callback_of(progress: bool | Callable[[Progress], None] | None) -> Callable[[Progress], None] | None:
    """What is called: the caller's own function, a bar where they say True, nothing otherwise."""
    if progress is True:
        return NotebookBar() if _in_notebook() else TerminalBar()
    if progress and not callable(progress):
        raise TypeError(f"progress: {progress!r} is neither a bool nor callable")
    return progress or None


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    shell = shell.get_ipython() if shell else None
    return shell is not None and hasattr(shell, "kernel")


class Bar:
    """Draws progress; close() when there is no more of it."""

    def __call__(self, progress: Progress) -> None:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError


class TerminalBar(Bar):
    """One line on standard error, gone when the last stage is done; nothing where that is no terminal."""

    width = 30

    def __init__(self, stream: Any = None) -> None:
        self.stream = stream or sys.stderr
        self.is_terminal = self.stream is not None and self.stream.isatty()

    def __call__(self, progress: Progress) -> None:
        if not self.is_terminal:
            return
        filled = round(self.width * progress.fraction)
        bar = "#" * filled + "-" * (self.width - filled)
        self.stream.write(f"\r\033[K{progress.stage:8} [{bar}] {progress.done:,} of {progress.total:,} {progress.unit}")
        self.stream.flush()

    def close(self) -> None:
        if self.is_terminal:
            self.stream.write("\r\033[K")
            self.stream.flush()


class NotebookBar(Bar):
    """An HTML progress element per stage, updated in place."""

    def __init__(self) -> None:
        self.stages: dict[str, Progress] = {}
        self.handle: Any = None

    def _repr_html_(self) -> str:
        rows = (
            f"<tr><td>{p.stage}</td><td><progress value='{p.done}' max='{max(p.total, 1)}'></progress></td>"
            f"<td>{p.done:,} of {p.total:,} {p.unit}</td></tr>"
            for p in self.stages.values()
        )
        return f"<table>{''.join(rows)}</table>"

    def __call__(self, progress: Progress) -> None:
        from IPython.display import display

        self.stages[progress.stage] = progress
        if self.handle is None:
            self.handle = display(self, display_id=True)
        else:
            self.handle.update(self)

    def close(self) -> None:
        """The bar stays in the notebook's output."""
