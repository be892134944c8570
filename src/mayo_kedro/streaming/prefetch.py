"""Local copies in the order of use, fetched before they are asked for."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from pathlib import Path
from typing import Protocol

from mayo_kedro.streaming.usage import mark_as_used

WINDOW_BYTES = 128 * 2**20
"""How much may lie ready, or be under way, ahead of the consumer."""
WINDOW_FILES = 1024
FIRST_FILES = 32
"""How many are begun before the size of any is known, and before a folder's manifest is asked for."""


class Source(Protocol):
    """Where the files come from."""

    def find_here(self, path: str) -> Path | None:
        """The local copy, if it costs next to nothing to tell."""

    def submit(self, path: str) -> "Future[Path]":
        """Begin to bring a file here, behind those that were submitted before."""


class _Window:
    """The files ahead of the consumer, here or under way."""

    def __init__(self, source: Source, limit_bytes: int) -> None:
        self._source = source
        self._limit_bytes = limit_bytes
        self._typical_size = 0.0
        self._waiting: deque[tuple[str, Future[Path]]] = deque()
        self._for_later = 0

    def fill(self, used: Iterator[str], later: Iterator[str]) -> None:
        """Begin as many as there is room for; those for later only behind the last that is used."""
        for path in islice(used, self._room()):
            self._waiting.append((path, self._begin(path)))
        if room := self._room():
            for path in islice(later, room):
                self._begin(path)
                self._for_later += 1

    def _room(self) -> int:
        begun = len(self._waiting) + self._for_later
        most = int(self._limit_bytes / self._typical_size) if self._typical_size else FIRST_FILES
        return max(0 if begun else 1, min(most, WINDOW_FILES) - begun)

    def _begin(self, path: str) -> "Future[Path]":
        here = self._source.find_here(path)
        if here is None:
            return self._source.submit(path)
        ready: Future[Path] = Future()
        ready.set_result(here)
        return ready

    def take(self) -> Path | None:
        """The next file, waited for; None behind the last."""
        if not self._waiting:
            return None
        name, future = self._waiting.popleft()
        path = future.result()
        # It may have lain here for long, and nobody shall make room in the cache at the expense of it now.
        status = mark_as_used(path)
        if status is None:
            path = self._source.submit(name).result()
            status = path.stat()
        size = status.st_size
        self._typical_size += (size - self._typical_size) * (0.1 if self._typical_size else 1.0)
        return path

    def abandon(self) -> None:
        """Drop what has not begun and nobody will take."""
        for _, future in self._waiting:
            future.cancel()


def prefetch(
    source: Source, paths: Iterable[str], ahead: Iterable[str] = (), window_bytes: int = WINDOW_BYTES
) -> Iterator[Path]:
    """Give local copies in order, fetching ahead as far as the window allows.

    Args:
        source: where the files come from.
        paths: what is used, in order; taken from the iterable only as the window moves on.
        ahead: what will be used after that; brought here as the window allows, and not given out.
        window_bytes: how much may lie ready, estimated from the sizes of what came.

    Yields:
        A local copy for each of `paths`.

    Raises:
        Exception: what the fetch of a file raised, when its turn comes; nothing later is begun then.
    """
    window, used, later = _Window(source, window_bytes), iter(paths), iter(ahead)
    try:
        window.fill(used, later)
        while (path := window.take()) is not None:
            yield path
            window.fill(used, later)
    finally:
        window.abandon()
