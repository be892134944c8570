"""Ctrl-C in a run: it ends the run as one that the user has ended, wherever it falls."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

DATABASE = "sqlalchemy"
"""The package through which MLflow writes to a local store. Interrupted in the midst of a statement it
leaves the store locked, so that for 20 seconds nobody can note how the run ended."""

PATIENCE_SECONDS = 5.0
ASKING_AGAIN_SECONDS = 0.02

_pressed = threading.Event()


def was_interrupted() -> bool:
    """Whether Ctrl-C was pressed in this run; some libraries make an error of their own of it."""
    return _pressed.is_set()


@contextmanager
def noticed_interrupts() -> Iterator[None]:
    """Notice Ctrl-C within the block, and let a statement in a database come to its end before.

    Who handles Ctrl-C in a way of his own, or ignores it, goes on doing so; other threads than the main one
    never get it.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    handler = _Handler()
    signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        handler.is_waiting = False
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _pressed.clear()


class _Handler:
    """Raises KeyboardInterrupt, once the main thread has left the database or `PATIENCE_SECONDS` are over."""

    def __init__(self) -> None:
        self.is_waiting = False
        self._until = 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not _pressed.is_set():
            _pressed.set()
            self._until = time.monotonic() + PATIENCE_SECONDS
        self.is_waiting = _is_within(frame, DATABASE) and time.monotonic() < self._until
        if not self.is_waiting:
            raise KeyboardInterrupt
        again = threading.Timer(ASKING_AGAIN_SECONDS, self._ask_again, [number])
        again.daemon = True
        again.start()

    def _ask_again(self, number: int) -> None:
        if self.is_waiting:
            signal.pthread_kill(threading.main_thread().ident or 0, number)


def _is_within(frame: FrameType | None, package: str) -> bool:
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == package:
            return True
        frame = frame.f_back
    return False
