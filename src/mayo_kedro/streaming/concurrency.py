"""How many requests may be under way at once: learnt from how they fare."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

FEWEST = 4
FIRST = 32
"""What the dagshub client advises at most; half of it fills 1 Gbit/s at 50 ms with half a megabyte a file."""
MOST = 128
"""For small files; more than `FIRST` are used only while they are shown to help."""
LONGEST_PAUSE = 60.0
"""Seconds; a longer `Retry-After` than this is not waited for."""

LOOK_AGAIN = 1.0
"""Seconds after which a waiting request looks itself whether a pause is over."""

_QUEUEING = 1.5
_FORGETTING = 1.001


@dataclass
class Slot:
    """One request's place.

    Attributes:
        wave: which limit was in force when the request began.
        binding: whether the limit was reached then.
    """

    wave: int
    binding: bool


class AdaptiveLimit:
    """Lets so many requests run at once as the service and the line bear.

    It grows by one when a request waited longer for its first byte than for the rest (so latency is what
    costs, and more at once would hide it) while that wait was near the shortest seen (so nothing queues).
    An overloaded service halves it, once for all requests that were under way, and holds everybody back
    for as long as it asked.

    Args:
        first: requests at once in the beginning.
        most: never more.
    """

    def __init__(self, first: int = FIRST, most: int = MOST) -> None:
        self.most = most
        self._limit = float(min(first, most))
        self._running = 0
        self._wave = 0
        self._shortest = float("inf")
        self._not_before = 0.0
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @property
    def current(self) -> int:
        """Requests that may run at once now."""
        return int(self._limit)

    @contextmanager
    def slot(self) -> Iterator[Slot]:
        """Wait for a place, in the order of asking, and hold it."""
        turn = self._ask_in()
        if turn is not None:
            while not turn.wait(self._pause() or LOOK_AGAIN):
                with self._lock:
                    self._admit()
        slot = Slot(self._wave, self._running >= self.current)
        try:
            yield slot
        finally:
            with self._lock:
                self._running -= 1
                self._admit()

    def _ask_in(self) -> threading.Event | None:
        """Take a place if one is free; else what is set when it is one's turn."""
        with self._lock:
            if not self._waiting and self._running < self.current and self._pause() is None:
                self._running += 1
                return None
            turn = threading.Event()
            self._waiting.append(turn)
            return turn

    def _pause(self) -> float | None:
        """Seconds until the service may be asked again; None if that is now."""
        pause = self._not_before - time.monotonic()
        return pause if pause > 0 else None

    def _admit(self) -> None:
        """Let those in who have waited longest; with the lock held."""
        while self._waiting and self._running < self.current and self._pause() is None:
            self._running += 1
            self._waiting.popleft().set()

    def succeeded(self, slot: Slot, first_byte: float, rest: float) -> None:
        """Learn from an answer.

        Args:
            slot: the request's.
            first_byte: seconds until the answer began.
            rest: seconds from then to its end.
        """
        with self._lock:
            self._shortest = min(first_byte, self._shortest * _FORGETTING)
            latency_bound = first_byte > rest and first_byte < _QUEUEING * self._shortest
            if slot.binding and latency_bound and self._limit < self.most:
                self._limit += 1
                self._admit()

    def overloaded(self, slot: Slot, retry_after: float = 0.0) -> None:
        """Learn from a 429 or 503.

        Args:
            slot: the request's.
            retry_after: seconds that the service asked everybody to wait.
        """
        with self._lock:
            if slot.wave == self._wave:
                self._wave += 1
                self._limit = max(self._limit / 2, float(min(FEWEST, self.most)))
            pause = min(retry_after, LONGEST_PAUSE)
            self._not_before = max(self._not_before, time.monotonic() + pause)
