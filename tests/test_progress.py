import io
import logging
from types import SimpleNamespace

import pytest
from rich.console import Console

from mayo_kedro import progress as module


def test_elsewhere_than_in_a_terminal_a_line_comes_now_and_then(monkeypatch, caplog):
    clock = iter([0.0, 5.0, 20.0, 20.0, 21.0])
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    with caplog.at_level(logging.INFO), module.progress("Streaming images", 2) as advance:
        advance()
        advance(1, "loss 0.5")
    assert caplog.messages == ["Streaming images: 2 of 2 loss 0.5", "Streaming images: 2 of 2 in 21 s"]


def test_short_work_says_nothing(caplog):
    with caplog.at_level(logging.INFO), module.progress("Streaming images", 1) as advance:
        advance()
    assert caplog.messages == []


def test_in_a_terminal_tasks_share_one_display_that_ends_with_the_last(monkeypatch):
    shown = io.StringIO()
    monkeypatch.setattr(module, "get_console", lambda: Console(file=shown, force_terminal=True, width=100))
    with module.progress("Streaming images", 4) as outer:
        outer(2, "two of them")
        with module.progress("Fold 0", 3) as inner:
            inner()
            assert module._display._users == 2
        module._display._progress.refresh()
    assert module._display._progress is None
    assert "Streaming images" in shown.getvalue()
    assert "2/4" in shown.getvalue()


def test_an_error_ends_the_display(monkeypatch):
    monkeypatch.setattr(module, "get_console", lambda: Console(file=io.StringIO(), force_terminal=True))
    with pytest.raises(ValueError, match="inside"), module.progress("Work", 1):
        raise ValueError("inside")
    assert module._display._progress is None
