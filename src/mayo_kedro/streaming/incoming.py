"""A file on its way into the cache."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.cache_layout import FOLDER_VARIABLE, STREAMED_AT
from mayo_kedro.streaming.integrity import BodyCheck

_READ_BYTES = 2**20
_FULL = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "the quota on the disk is used up",
    errno.EFBIG: "a file would be larger than the system allows (ulimit -f)",
}


class Incoming:
    """A temporary file in the cache's folder, hashed while it grows; `FileCache.receive` makes it.

    A context manager: what was not kept when it is left is removed. Entering it and each of its methods
    raise `UserError` when the disk is full or the folder can't be written.

    Attributes:
        size: bytes written so far; a transfer that was cut resumes there.

    Args:
        folder: of the cache, for the error messages.
        temporary: path of the file, in a folder that is made when missing.
        check: of the body.
        key: what it will be found by.
        place: puts the complete file where it belongs; takes the key, `temporary`, the md5 and the file's
            status.
    """

    def __init__(
        self,
        folder: Path,
        temporary: str,
        check: BodyCheck,
        key: str,
        place: Callable[[str, str, str, os.stat_result], Path],
    ) -> None:
        self.size = 0
        self._folder = folder
        self._temporary = temporary
        self._check = check
        self._key = key
        self._place = place
        self._file = -1  # while it is closed

    def __enter__(self) -> "Incoming":
        with _explained(self._folder):
            try:
                self._file = self._create()
            except FileNotFoundError:
                os.makedirs(os.path.dirname(self._temporary), exist_ok=True)
                self._file = self._create()
        return self

    def _create(self) -> int:
        # With this mode DVC takes a file of its cache as protected, and does not hash it again.
        return os.open(self._temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o444)

    def __exit__(self, *_: object) -> None:
        if self._file >= 0:
            self._close()
        if self._temporary:
            with suppress(FileNotFoundError):
                os.unlink(self._temporary)

    def _close(self) -> None:
        file, self._file = self._file, -1
        os.close(file)

    def restart(self, size: int | None) -> None:
        """Begin anew.

        Args:
            size: of the whole body in bytes, if known.
        """
        if self.size:
            with _explained(self._folder):
                os.ftruncate(self._file, 0)
            self.size = 0
        self._check.restart(size)

    def expect(self, key: str, declared: str | None) -> None:
        """Learn which file it is and what the repository declares, if that was not known when it began."""
        self._key = key
        self._check.expect(declared)

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        rest = memoryview(chunk)
        with _explained(self._folder):
            while rest:
                written = os.pwrite(self._file, rest, self.size)
                self._check.update(rest[:written])
                self.size += written
                rest = rest[written:]

    def is_intact(self) -> bool:
        """Tell whether all that was written is what the repository declares, if that can be checked."""
        if self._check.needs_second_pass:
            self._check.restart(self.size)
            for start in range(0, self.size, _READ_BYTES):
                self._check.update(os.pread(self._file, _READ_BYTES, start))
        return self._check.is_intact()

    @property
    def md5(self) -> str:
        """Of all that was written."""
        return self._check.md5

    def keep(self) -> Path:
        """Move the file atomically to its place in the cache.

        Returns:
            Where it is now; it must not be changed.

        Raises:
            ValueError: it is not intact.
        """
        if not self.is_intact():
            raise ValueError(f"{self.size} bytes came whose md5 is {self._check.md5}, not what was declared")
        with _explained(self._folder):
            os.utime(self._file, ns=(time.time_ns(), STREAMED_AT))
            status = os.fstat(self._file)
            self._close()  # a network file system may tell only here that it is full
            path = self._place(self._key, self._temporary, self._check.md5, status)
        self._temporary = ""
        return path


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Say in words what keeps the cache from being written."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise UserError(
                f"The cache for streamed files, {folder}: {_FULL[error.errno]}.",
                "Free some space, or set cache_gigabytes lower so that old files make room, or name "
                f"another folder in the environment variable {FOLDER_VARIABLE}.",
            ) from error
        raise UserError(
            f"The cache for streamed files, {folder}, can't be written ({error.strerror or error}).",
            f"Make it writable, or name another folder in the environment variable {FOLDER_VARIABLE}.",
        ) from error
