"""Threads for fetching that never keep a programme from ending."""

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from mayo_kedro.streaming.concurrency import MOST

Result = TypeVar("Result")


class Workers:
    """A pool of daemon threads, started as they are needed.

    The standard library's pool waits for its threads when Python exits: after Ctrl-C that would be the
    time-out of a stalled connection.

    Args:
        most: threads at once.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._jobs: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._started = 0
        self._lock = threading.Lock()

    def submit(self, work: Callable[[], Result]) -> "Future[Result]":
        """Have a thread do the work; cancelling the future drops it while it still waits."""
        future: Future[Result] = Future()
        self._jobs.put((future, work))
        if not self._idle.acquire(blocking=False):
            self._start_thread()
        return future

    def _start_thread(self) -> None:
        with self._lock:
            if self._started >= self._most:
                return
            self._started += 1
            name = f"streaming-{self._started}"
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while True:
            future, work = self._jobs.get()
            _fulfil(future, work)
            del future, work
            self._idle.release()


def run_aside(work: Callable[[], Result]) -> Result:
    """Do the work, in a thread of its own if this is the main one.

    Ctrl-C is heard while Python waits for a thread, and not while a library waits for the network.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    future: Future[Result] = Future()
    threading.Thread(target=_fulfil, args=(future, work), name="streaming-aside", daemon=True).start()
    return future.result()


def _fulfil(future: "Future[Any]", work: Callable[[], Any]) -> None:
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
