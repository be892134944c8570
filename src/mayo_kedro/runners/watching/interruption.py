"""What Ctrl-C and SIGTERM mean while jobs run elsewhere: cancel them, or leave them running."""

import logging
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import Any

from rich import get_console

from mayo_kedro.progress import paused

logger = logging.getLogger(__name__)

QUESTION = "Jobs are running. [c]ancel them, [d]etach and leave them running, or [g]o on? "

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_WITHDRAWN_SECONDS = 0.2


class Cancelled(KeyboardInterrupt):
    """The user has had the jobs cancelled."""


class Detached(KeyboardInterrupt):
    """The user has left the jobs running."""


class Interruption:
    """What the user has asked for so far.

    Args:
        running: gives the ids of the jobs that were submitted and are not over.
        cancel: asks the service to end a job.

    Attributes:
        stop: is set once the jobs are left running; whoever watches them returns.
        cancelled: whether it was asked to cancel them.
    """

    def __init__(self, running: Callable[[], Collection[str]], cancel: Callable[[str], None]) -> None:
        self.stop = threading.Event()
        self.cancelled = False
        self._running = running
        self._cancel = cancel
        self._asking = False
        self._over = threading.Event()
        # May be filled between any two instructions of the main thread, unlike other queues.
        self._orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._carry_out, daemon=True).start()

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take a signal.

        The main thread may hold any lock now: whatever needs one is left to another thread.
        """
        if not self._running():
            raise KeyboardInterrupt
        if self.cancelled or self._asking:
            self.stop.set()
            raise Detached
        self._asking = _is_attended()
        self.cancelled = not self._asking
        self._orders.put(self._ask if self._asking else self._cancel_all)

    def end(self) -> None:
        """Withdraw a question that nobody has answered."""
        self._over.set()
        self._orders.put(None)

    def _carry_out(self) -> None:
        while order := self._orders.get():
            order()

    def _ask(self) -> None:
        with paused():
            answer = _read_answer(self._over)
        if answer == "d":
            # The main thread may be waiting for anything; a second signal wakes it as a second Ctrl-C would.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            return
        self.cancelled = answer == "c"
        self._asking = False
        if self.cancelled:
            self._cancel_all()
        elif answer:
            get_console().print("Going on.")

    def _cancel_all(self) -> None:
        for run_id in list(self._running()):
            logger.warning("Cancelling the job %s. Ctrl-C once more leaves it to itself.", run_id)
            try:
                self._cancel(run_id)
            except Exception as error:  # in a thread of its own nobody else would tell
                what = "The job %s could not be cancelled (%s): `kedro azure cancel %s` tries again."
                logger.error(what, run_id, error, run_id, extra={"markup": False})


@contextmanager
def interruption(
    running: Callable[[], Collection[str]], cancel: Callable[[str], None]
) -> Iterator[Interruption]:
    """Give Ctrl-C and SIGTERM their meaning for jobs elsewhere, within the block.

    In a terminal the first asks whether to cancel, to detach or to go on; elsewhere it cancels. A second one
    detaches. While no job is running they end the program as ever. In another thread than the main one,
    which gets no signals, the block is entered and nothing changes.

    Args:
        running: gives the ids of the jobs that were submitted and are not over; it takes no lock.
        cancel: asks the service to end a job; is called from another thread.

    Yields:
        What was asked for; its `stop` is to be given to whoever watches the jobs.

    Raises:
        Cancelled: at the end of the block, whatever else came of the jobs.
        Detached: as soon as the user detaches; how to attach again has been told.
    """
    asked = Interruption(running, cancel)
    with _signals_to(asked.handle):
        try:
            yield asked
        except Detached:
            _tell_what_goes_on(running(), asked.cancelled)
            raise
        except Exception as error:
            if asked.cancelled:
                raise Cancelled from error
            raise
        finally:
            asked.end()
    if asked.cancelled:
        raise Cancelled


def _tell_what_goes_on(run_ids: Collection[str], cancelled: bool) -> None:
    state = "They were told to end." if cancelled else "The jobs go on, and cost."
    verb = "status" if cancelled else "attach"
    commands = "\n".join(f"  kedro azure {verb} {run_id}" for run_id in run_ids)
    logger.warning("Detached. %s To see to them again:\n%s", state, commands)


@contextmanager
def _signals_to(handler: Callable[[int, FrameType | None], Any]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handled in before.items():
            signal.signal(number, handled)


def _is_attended() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and get_console().is_terminal


def _read_answer(withdrawn: threading.Event) -> str:
    """Ask until there is an answer: its first letter; "" if the question was withdrawn."""
    while not withdrawn.is_set():
        get_console().print(QUESTION, end="", markup=False)
        line = _read_line(withdrawn)
        if line is None or line[:1] in ("c", "d", "g"):
            return (line or "")[:1]
    return ""


def _read_line(withdrawn: threading.Event) -> str | None:
    # Not by `sys.stdin`: its lock, held by a thread that still waits, is fatal when Python ends.
    descriptor = sys.stdin.fileno()
    while not withdrawn.is_set():
        if select.select([descriptor], [], [], _WITHDRAWN_SECONDS)[0]:
            typed = os.read(descriptor, 1024)
            return typed.decode(errors="replace").strip().lower() if typed else "g"
    return None
