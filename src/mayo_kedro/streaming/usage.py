"""Which files of the cache are in use: who reads one marks it, who makes room looks for the mark."""

import fcntl
import os
import time
from contextlib import suppress

from mayo_kedro.streaming.cache_layout import STREAMED_AT


def mark_as_used(path: str | os.PathLike[str]) -> os.stat_result | None:
    """Mark a file as used just now, so that all files used before leave the cache first.

    The mark is the access time, set whether or not the file system does it. What streaming did not fetch is
    never evicted, and needs none.

    Args:
        path: of a local file, in the cache or elsewhere.

    Returns:
        What the file looks like; None if it is gone, as when another process has made room.
    """
    with suppress(FileNotFoundError):
        status = os.stat(path)
        if status.st_mtime_ns != STREAMED_AT:
            return status
        with _Locked(path, fcntl.LOCK_SH) as file:
            status = os.fstat(file)
            if status.st_nlink == 0:
                return None
            with suppress(OSError):  # a read-only folder, or another user's file
                os.utime(file, ns=(time.time_ns(), STREAMED_AT))
            return status
    return None


def remove_unless_used(path: str, used_at: int) -> bool:
    """Remove a file that streaming fetched, unless it was used again.

    Args:
        path: of a file in the cache.
        used_at: its last use that is known, in nanoseconds.

    Returns:
        Whether it is gone.

    Raises:
        OSError: it can't be removed.
    """
    with suppress(FileNotFoundError), _Locked(path, fcntl.LOCK_EX) as file:
        status = os.fstat(file)
        if (status.st_atime_ns, status.st_mtime_ns) != (used_at, STREAMED_AT):
            return False
        os.unlink(path)
    return True


class _Locked:
    """The descriptor of a file that is locked within the block; a `FileIO` would take twice as long."""

    def __init__(self, path: str | os.PathLike[str], lock: int) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        # Without locks, as on some network disks, a moment is left between looking and removing.
        with suppress(OSError):
            fcntl.flock(self._file, lock)

    def __enter__(self) -> int:
        return self._file

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
