"""The one progress display: a live bar in a terminal, a line now and then elsewhere."""

import logging
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from rich import get_console
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

logger = logging.getLogger(__name__)
results = logging.getLogger("mayo_kedro.results")
"""For what a run came to, which even `kedro run --quiet` tells."""

SILENT_SECONDS = 2.0
LINE_SECONDS = 15.0


class Advance(Protocol):
    """Tells the display that work was done."""

    def __call__(self, amount: int = 1, note: str = "") -> None:
        """Count `amount` more as done; `note` replaces the text behind the bar."""


class _Bars(Progress):
    """Bars, and above them what else is to be seen live."""

    def __init__(self, *columns: ProgressColumn, above: list[RenderableType], **options: Any) -> None:
        self._above = above
        super().__init__(*columns, **options)

    def get_renderables(self) -> Iterable[RenderableType]:
        """Give all parts of the display from top to bottom."""
        yield from list(self._above)
        yield from super().get_renderables()


class _Display:
    """One live display that all running tasks share; it lives while there are tasks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._progress: Progress | None = None
        self.above: list[RenderableType] = []

    def enter(self, console: Console) -> Progress:
        with self._lock:
            if self._progress is None:
                self._progress = _Bars(
                    TextColumn("{task.description}"),
                    BarColumn(),
                    MofNCompleteColumn(),
                    TimeRemainingColumn(),
                    TextColumn("{task.fields[note]}"),
                    above=self.above,
                    console=console,
                    transient=True,
                )
                self._progress.start()
            self._users += 1
            return self._progress

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._progress is not None:
                self._progress.stop()
                self._progress = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Clear the display while something is asked."""
        with self._lock:
            if self._progress is not None:
                self._progress.stop()
        try:
            yield
        finally:
            with self._lock:
                if self._progress is not None:
                    self._progress.start()


_display = _Display()
paused = _display.paused


def is_live() -> bool:
    """Whether progress is shown live: in a terminal, unless the logger of this module is kept quiet."""
    # Where nobody configured logging WARNING is shown, and so are bars.
    return get_console().is_terminal and logger.isEnabledFor(logging.WARNING)


@contextmanager
def shown_above(content: RenderableType) -> Iterator[None]:
    """Show something of rich's live above the bars of a terminal, until the end of the block.

    Args:
        content: is rendered anew several times a second.
    """
    _display.enter(get_console())
    _display.above.append(content)
    try:
        yield
    finally:
        _display.above.remove(content)
        _display.leave()


@contextmanager
def progress(description: str, total: int, summary: bool = True) -> Iterator[Advance]:
    """Show how far a long piece of work has come.

    Args:
        description: what is being done, such as "Streaming images".
        total: how many steps it has.
        summary: whether a line says at the end how long it took, where there is no bar.

    Yields:
        A function to call as steps are done.
    """
    with _bar(description, total) if is_live() else _lines(description, total, summary) as advance:
        yield advance


@contextmanager
def _bar(description: str, total: int) -> Iterator[Advance]:
    # Kedro's log lines go through the same console, so that they appear above the bar.
    display = _display.enter(get_console())
    task = display.add_task(description, total=total, note="")

    def advance(amount: int = 1, note: str = "") -> None:
        display.update(task, advance=amount)
        if note:
            display.update(task, note=note)

    try:
        yield advance
    finally:
        display.remove_task(task)
        _display.leave()


@contextmanager
def _lines(description: str, total: int, summary: bool) -> Iterator[Advance]:
    started = said = time.monotonic()
    done = 0

    def advance(amount: int = 1, note: str = "") -> None:
        nonlocal done, said
        done += amount
        if time.monotonic() - said >= LINE_SECONDS:
            said = time.monotonic()
            logger.info("%s: %d of %d %s", description, done, total, note)

    yield advance
    seconds = time.monotonic() - started
    if summary and seconds >= SILENT_SECONDS:
        logger.info("%s: %d of %d in %.0f s", description, done, total, seconds)
