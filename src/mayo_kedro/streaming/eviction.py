"""What leaves the cache when it grows beyond its limit, whoever of several processes filled it."""

import fcntl
import os
import threading
import time
from array import array
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout

from mayo_kedro.streaming.cache_layout import FOLDER_SUFFIX, STREAMED_AT, CacheLayout
from mayo_kedro.streaming.integrity import is_md5
from mayo_kedro.streaming.usage import remove_unless_used

FILLED_AFTERWARDS = 0.9
"""The part of the limit that an eviction leaves in use, so that not every new file brings the next one."""

ABANDONED_SECONDS = 86_400.0
TALLY_UNIT = 2**20


class Eviction:
    """Keeps what streaming fetched below a limit, together with the other processes on the same folder.

    All of them add to one tally. Who sees it pass the limit takes the lock, looks what there is, removes
    what was used least recently and sets the tally right; the others leave it to that one and go on.

    Args:
        layout: of the cache's folder.
        limit_bytes: of the streamed files together, true to a MiB for each process; None is no limit.
    """

    def __init__(self, layout: CacheLayout, limit_bytes: int | None) -> None:
        self._layout = layout
        self._limit = limit_bytes
        self._tally = _Tally(layout.tally)
        self._has_looked = False

    def added(self, md5: str, size: int) -> None:
        """Count a new file, and make room if there is need.

        Args:
            md5: of the file, which stays even if it alone passes the limit.
            size: in bytes.

        Raises:
            OSError: the tally can't be written, or an old file not be removed.
        """
        used = 0 if self._limit is None else self._tally.add(size)
        if not self._has_looked:
            self._has_looked = True
            # What earlier processes left has to be counted once, which must not delay the first file.
            threading.Thread(target=self._look, args=(md5,), name="cache-eviction", daemon=True).start()
        elif self._limit is not None and used > self._limit:
            self._make_room(self._limit, md5)

    def _look(self, newest: str) -> None:
        with suppress(OSError):  # who passes the limit meets the same error, and can tell the user
            self._remove_abandoned()
            if self._limit is not None:
                self._make_room(self._limit, newest)

    def _make_room(self, limit: int, newest: str) -> None:
        try:
            with FileLock(self._layout.lock, timeout=0):
                while self._trim(limit, newest):
                    pass
        except Timeout:
            pass

    def _trim(self, limit: int, newest: str) -> bool:
        """Remove what was used least recently; tells whether others have passed the limit again meanwhile."""
        before = self._tally.read()
        streamed = self._scan()
        used = sum(streamed.sizes)
        if used > limit:
            used -= self._remove_oldest(streamed, used - int(limit * FILLED_AFTERWARDS), newest)
            self._remove_dangling_aliases()
            self._remove_abandoned()
        total = self._tally.settle(before, used)
        return used < total > limit

    def _scan(self) -> "_Streamed":
        found = _Streamed(array("q"), array("q"), bytearray(), bytearray())
        for name, entry in _list(self._layout.objects):
            md5 = name.removesuffix(FOLDER_SUFFIX)
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                if status.st_mtime_ns == STREAMED_AT and is_md5(md5):
                    found.used_at.append(status.st_atime_ns)
                    found.sizes.append(status.st_size)
                    found.md5s.extend(bytes.fromhex(md5))
                    found.are_folders.append(name != md5)
        return found

    def _remove_oldest(self, streamed: "_Streamed", surplus: int, newest: str) -> int:
        """Remove `surplus` bytes or a little more; gives how many."""
        removed = 0
        for index in sorted(range(len(streamed.sizes)), key=streamed.used_at.__getitem__):
            if removed >= surplus:
                break
            md5 = streamed.md5(index)
            if md5 != newest and remove_unless_used(self._layout.object(md5), streamed.used_at[index]):
                removed += streamed.sizes[index]
        return removed

    def _remove_dangling_aliases(self) -> None:
        for _, entry in _list(self._layout.aliases):
            if not os.path.exists(entry.path):
                Path(entry.path).unlink(missing_ok=True)

    def _remove_abandoned(self) -> None:
        """Remove what killed processes left half-written."""
        with suppress(FileNotFoundError), os.scandir(self._layout.arriving) as entries:
            for entry in entries:
                with suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    # A complete file has STREAMED_AT as its modification time before it is moved.
                    if max(status.st_mtime, status.st_atime) < time.time() - ABANDONED_SECONDS:
                        os.unlink(entry.path)


class _Tally:
    """Bytes written by all processes: a file as many bytes long as there were MiB, so that a glance tells.

    What does not fill a MiB yet waits in the process that wrote it.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._counting = threading.Lock()
        self._rest = 0

    def add(self, size: int) -> int:
        """Count `size` bytes; gives the total."""
        with self._counting:
            units, self._rest = divmod(self._rest + size, TALLY_UNIT)
            if units:
                with self._open() as file:
                    file.write(bytes(units))
            return self._total()

    def read(self) -> int:
        """The total in bytes."""
        with self._counting:
            return self._total()

    def settle(self, before: int, used: int) -> int:
        """Set the total to `used` and what was added since it was `before`; gives the new total."""
        with self._counting, self._open() as file:
            total = used + max(0, self._total() - before)
            units, self._rest = divmod(total, TALLY_UNIT)
            file.truncate(units)
            return total

    def _open(self) -> FileIO:
        """The file, closed to the other processes for the few microseconds until it is closed."""
        file = FileIO(self._path, "a")
        with suppress(OSError):  # without locks, as on some network disks, the next look sets it right
            fcntl.flock(file, fcntl.LOCK_EX)
        return file

    def _total(self) -> int:
        try:
            return os.stat(self._path).st_size * TALLY_UNIT + self._rest
        except FileNotFoundError:
            return self._rest


class _Streamed(NamedTuple):
    """What streaming fetched, in columns: a million files take 33 MB.

    Attributes:
        used_at: access times in nanoseconds.
        sizes: in bytes.
        md5s: 16 bytes for each file.
        are_folders: 1 for the manifest of a folder.
    """

    used_at: "array[int]"
    sizes: "array[int]"
    md5s: bytearray
    are_folders: bytearray

    def md5(self, index: int) -> str:
        """The hash of one file, in hex; of a manifest with its suffix."""
        return self.md5s[16 * index : 16 * index + 16].hex() + FOLDER_SUFFIX * self.are_folders[index]


def _list(folder: str) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All entries of the two-digit folders, with the hash that folder and name make together."""
    with suppress(FileNotFoundError), os.scandir(folder) as inner_folders:
        for inner in inner_folders:
            with suppress(FileNotFoundError, NotADirectoryError), os.scandir(inner.path) as entries:
                for entry in entries:
                    yield inner.name + entry.name, entry
