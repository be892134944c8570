"""Verified files on disk, each under its hash as in DVC's own cache, so that a file travels once."""

import hashlib
import os
from contextlib import suppress
from functools import partial
from pathlib import Path

from platformdirs import user_cache_path

from mayo_kedro.streaming.cache_layout import FOLDER_SUFFIX, FOLDER_VARIABLE, STREAMED_AT, CacheLayout
from mayo_kedro.streaming.eviction import Eviction
from mayo_kedro.streaming.incoming import Incoming
from mayo_kedro.streaming.integrity import BodyCheck
from mayo_kedro.streaming.usage import mark_as_used

__all__ = ["FOLDER_VARIABLE", "FileCache", "Incoming", "default_folder"]


def default_folder() -> Path:
    """The folder named by `MAYO_CACHE_DIR`, else one in the user's cache directory."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else user_cache_path("mayo-kedro")


class FileCache:
    """Files by key, safe to share between threads, and its folder between processes.

    A file appears under its name only when it is complete, is hashed when this process first uses it, and
    is trusted from then on as long as it is the same on disk. Files that DVC put into the folder are found
    as well, and DVC finds those that were streamed.

    Args:
        folder: where the files lie; made on the first write.
        limit_bytes: of the streamed files together. Beyond it the least recently used are removed, but
            never what DVC put there. None is no limit.
    """

    def __init__(self, folder: Path, limit_bytes: int | None = None) -> None:
        self.folder = folder
        self.limit_bytes = limit_bytes
        self._layout = CacheLayout(folder)
        self._eviction = Eviction(self._layout, limit_bytes)
        # What each file looked like when it was verified, by its md5; 105 MB for a million files.
        self._verified: dict[int, int] = {}

    def find(self, key: str) -> Path | None:
        """Find a file and mark it as used just now.

        Args:
            key: the content's md5 or git blob id, or any text that names the content for ever.

        Returns:
            The verified local copy, which must not be changed; None if there is none. A corrupted one is
            removed.
        """
        return self.find_checked(key) or self._find_unchecked(key)

    def find_checked(self, key: str) -> Path | None:
        """Find a file as `find` does, but only if this process has verified it before: never hashes."""
        md5 = self._layout.find_md5(key)
        if md5 is None:
            return None
        path = self._layout.object(md5)
        status = mark_as_used(path)
        if status is None or self._verified.get(_fingerprint(md5)) != _identify(status):
            return None
        return Path(path)

    def _find_unchecked(self, key: str) -> Path | None:
        md5 = self._layout.find_md5(key)
        if md5 is None:
            return None
        path = self._layout.object(md5)
        try:
            with open(path, "rb", buffering=0) as file:
                status = os.fstat(file.fileno())
                found = hashlib.file_digest(file, partial(hashlib.md5, usedforsecurity=False)).hexdigest()
        except OSError:
            return None
        if found != md5.removesuffix(FOLDER_SUFFIX):
            with suppress(OSError):  # in a read-only folder it stays, and is found corrupted again
                os.unlink(path)
            return None
        self._verified[_fingerprint(md5)] = _identify(status)
        return Path(path) if mark_as_used(path) else None

    def receive(self, key: str, declared: str | None) -> Incoming:
        """Take in a file that is not here, while it arrives.

        Args:
            key: as for `find`; `declared` itself where that can be checked.
            declared: the hash that the repository declares, if any.

        Returns:
            A context manager that gives itself.
        """
        return Incoming(self.folder, self._layout.temporary(), BodyCheck(declared), key, self._place)

    def discard(self, key: str) -> None:
        """Remove a file that was streamed and will not be asked for again; what DVC put there stays.

        Args:
            key: as for `find`.
        """
        md5 = self._layout.find_md5(key)
        if md5 is None:
            return
        path = self._layout.object(md5)
        with suppress(OSError):  # gone already, or in a read-only folder
            if os.stat(path).st_mtime_ns == STREAMED_AT:
                os.unlink(path)

    def _place(self, key: str, temporary: str, md5: str, status: os.stat_result) -> Path:
        if key == md5 + FOLDER_SUFFIX:
            md5 = key
        path = self._layout.object(md5)
        if key != md5:
            self._link(key, md5)  # first: where this fails, as on a full disk, nothing large stays
        _move(temporary, path)
        self._verified[_fingerprint(md5)] = _identify(status)
        self._eviction.added(md5, status.st_size)
        return Path(path)

    def _link(self, key: str, md5: str) -> None:
        link = self._layout.temporary()
        os.symlink(self._layout.alias_target(md5), link)
        try:
            _move(link, self._layout.alias(key))
        except OSError:
            os.unlink(link)
            raise


def _identify(status: os.stat_result) -> int:
    """What changes with a file's content, as far as can be told without reading it."""
    return _fingerprint(status.st_ino, status.st_size, status.st_mtime_ns)


def _fingerprint(*values: object) -> int:
    """60 bits, which are as many as Python keeps in 32 bytes."""
    return hash(values) & (2**60 - 1)


def _move(source: str, target: str) -> None:
    """Rename atomically, into a folder that is made when missing."""
    try:
        os.replace(source, target)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.replace(source, target)
