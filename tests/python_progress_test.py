"""Progress bars of the Python package."""

import io
import sys
import types

import pytest
from tidemill.progress import NotebookBar, Progress, TerminalBar, callback_of

HALF = Progress("scan", 50, 100, "rows")


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Display:
    """What a notebook shows, update by update."""

    def __init__(self):
        self.shown = []

    def __call__(self, value, display_id):
        assert display_id is True
        self.shown.append(value._repr_html_())
        return self

    def update(self, value):
        self.shown.append(value._repr_html_())


@pytest.fixture
def notebook(monkeypatch):
    display = Display()
    shell = types.SimpleNamespace(kernel=object())
    module = types.SimpleNamespace(get_ipython=lambda: shell, display=types.SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", module.display)
    return display


def test_a_notebook_has_one_table_that_is_updated(notebook):
    bar = callback_of(True)
    assert isinstance(bar, NotebookBar)
    bar(HALF)
    bar(Progress("merge", 1, 4, "buckets"))
    assert len(notebook.shown) == 2
    assert "value='50' max='100'" in notebook.shown[1] and "merge" in notebook.shown[1]


def test_a_terminal_has_one_line_which_goes():
    stream = Terminal()
    bar = TerminalBar(stream)
    bar(HALF)
    assert "[###############---------------] 50 of 100 rows" in stream.getvalue()
    bar.close()
    assert stream.getvalue().endswith("\r\033[K")


def test_a_log_has_no_bar():
    stream = io.StringIO()
    bar = TerminalBar(stream)
    bar(HALF)
    bar.close()
    assert stream.getvalue() == ""


def test_what_the_caller_gives_is_called():
    assert callback_of(None) is None and callback_of(False) is None
    assert callback_of(print) is print
    with pytest.raises(TypeError):
        callback_of(1)
    assert isinstance(callback_of(True), TerminalBar)


def test_nothing_to_do_is_done():
    assert Progress("write", 0, 0, "dates").fraction == 1.0
