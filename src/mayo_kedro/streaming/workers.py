"""Threads for fetching that never keep a programme from ending."""

import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from mayo_kedro.streaming.concurrency import MOST

Result = TypeVar("Result")


@dataclass(order=True, slots=True)
class _Job:
    urgency: tuple[int, ...]
    number: int
    future: "Future[Any]" = field(compare=False)
    work: Callable[[], Any] = field(compare=False)


class Workers:
    """A pool of daemon threads, started as they are needed.

    The standard library's pool waits for its threads when Python exits: after Ctrl-C that would be the
    time-out of a stalled connection.

    Args:
        most: threads at once.
        by_urgency: whether what is urgent overtakes what waits.
    """

    def __init__(self, most: int = MOST, *, by_urgency: bool = False) -> None:
        self._most = most
        self._jobs: queue.Queue[_Job] | queue.SimpleQueue[_Job]
        self._jobs = queue.PriorityQueue() if by_urgency else queue.SimpleQueue()
        self._numbers = itertools.count()
        self._idle = threading.Semaphore(0)
        self._started = 0
        self._lock = threading.Lock()

    def submit(self, work: Callable[[], Result], urgency: tuple[int, ...] = ()) -> "Future[Result]":
        """Have a thread do the work; cancelling the future drops it while it still waits.

        Args:
            work: to do.
            urgency: the least is done first, if it counts at all.
        """
        future: Future[Result] = Future()
        self._jobs.put(_Job(urgency, next(self._numbers), future, work))
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
            job = self._jobs.get()
            _fulfil(job.future, job.work)
            del job
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
