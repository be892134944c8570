"""Local copies from any fsspec filesystem, for `prefetch`."""

from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import cast

from fsspec import AbstractFileSystem
from fsspec.implementations.cached import SimpleCacheFileSystem
from fsspec.implementations.local import LocalFileSystem

from mayo_kedro.streaming.concurrency import FIRST
from mayo_kedro.streaming.prefetch import Source
from mayo_kedro.streaming.workers import Workers


class LocalFiles:
    """Files that lie on this machine."""

    def find_here(self, path: str) -> Path:
        """The file itself."""
        return Path(path)

    def submit(self, path: str) -> "Future[Path]":
        """Never needed, except for a file that has gone: its error comes when it is read."""
        gone: Future[Path] = Future()
        gone.set_result(Path(path))
        return gone


class CopiedFiles:
    """Files of another filesystem, copied to fsspec's own cache, unverified.

    Args:
        filesystem: where they are.
    """

    def __init__(self, filesystem: AbstractFileSystem) -> None:
        self._copies = SimpleCacheFileSystem(fs=filesystem)
        self._workers = Workers(FIRST)

    def find_here(self, path: str) -> None:
        """Unknown without asking."""

    def submit(self, path: str) -> "Future[Path]":
        """Copy a file."""
        return self._workers.submit(partial(self._copy, path))

    def _copy(self, path: str) -> Path:
        with self._copies.open(path) as copy:
            return Path(copy.name)


def open_source(filesystem: AbstractFileSystem) -> Source:
    """Take the filesystem's own way of fetching ahead, or make one."""
    if hasattr(filesystem, "submit"):
        return cast(Source, filesystem)
    return LocalFiles() if isinstance(filesystem, LocalFileSystem) else CopiedFiles(filesystem)
