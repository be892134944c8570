"""What every client does with the bytes that arrive."""

import hashlib
import os
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.clients import CONNECTIONS
from benchmarks.task import Task

PIECE = 1 << 18
"""Bytes that are asked for at once, where a client wants to be told."""


class Incoming:
    """A file that arrives piece by piece."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._digest = hashlib.md5(usedforsecurity=False)

    def write(self, piece: bytes | memoryview) -> None:
        """Check and write some bytes."""
        self._digest.update(piece)
        self._file.write(piece)

    def close(self) -> str:
        """Close the file; returns the md5 of what came."""
        self._file.close()
        return self._digest.hexdigest()


@contextmanager
def receive(task: Task, name: str) -> Iterator[Incoming]:
    """Take in a file, and put it in its place if it is the right one."""
    arriving = task.target / f".{name}.{threading.get_ident()}"
    incoming = Incoming(arriving)
    yield incoming
    if incoming.close() != task.options["files"][name]:
        raise RuntimeError(f"{name} has arrived damaged")
    os.replace(arriving, task.target / name)


def waiting_names(task: Task) -> "queue.SimpleQueue[str]":
    """The names of all files, to be taken by whoever is free."""
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in task.options["files"]:
        waiting.put(name)
    return waiting


def run_threads(task: Task, open_client: Callable[[], Callable[[str], None]]) -> Callable[[], None]:
    """Make the work of a client without an event loop.

    Args:
        task: what to do.
        open_client: called by each thread; returns what fetches one file by its name.
    """

    def work() -> None:
        waiting = waiting_names(task)

        def fetch_some() -> None:
            fetch = open_client()
            while not waiting.empty():
                try:
                    name = waiting.get_nowait()
                except queue.Empty:
                    return
                fetch(name)

        with ThreadPoolExecutor(CONNECTIONS) as threads:
            for done in [threads.submit(fetch_some) for _ in range(CONNECTIONS)]:
                done.result()

    return work
