"""Storage buckets: folders of this machine, shown the way DagsHub shows what is connected to a repository.

Their objects come as they are, without commits. A hash here is like a bucket's ETag: it changes with the
object, and cannot be worked out from the bytes.
"""

import bisect
import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from mayo_kedro.sandbox.index import Entry

__all__ = ["PROTOCOLS", "Bucket", "parse_bucket"]

PROTOCOLS = ("s3", "gs", "azure")


@dataclass(frozen=True)
class Bucket:
    """A folder that stands in for a bucket.

    Args:
        place: PROTOCOL/NAME.
        folder: what it holds.
    """

    place: str
    folder: Path

    @property
    def protocol(self) -> str:
        """One of PROTOCOLS."""
        return self.place.partition("/")[0]

    @property
    def name(self) -> str:
        """What it is called."""
        return self.place.partition("/")[2]

    def holds(self, path: str) -> bool:
        """Whether this is the bucket, or a path below it."""
        return f"{path}/".startswith(f"{self.place}/")

    def locate(self, path: str) -> Path:
        """The file or folder of this machine for PROTOCOL/NAME/PATH."""
        return self.folder / path[len(self.place) + 1 :]

    def describe(self, path: str) -> Entry:
        """The object, or folder of objects, at PROTOCOL/NAME/PATH.

        Raises:
            OSError: there is none.
        """
        found = self.locate(path)
        facts = found.stat()
        if found.is_dir():
            return Entry(path, "dir", "bucket", "", 0)
        version = hashlib.sha256(f"{path}\0{facts.st_size}\0{facts.st_mtime_ns}".encode())
        return Entry(path, "file", "bucket", f"{version.hexdigest()[:32]}-1", facts.st_size)

    def list_page(self, path: str, after: str, size: int) -> tuple[list[Entry], str]:
        """Some of what is directly in a folder, by name.

        Args:
            path: PROTOCOL/NAME/PATH of the folder.
            after: the last name of the page before; "" for the first page.
            size: how many entries at most.

        Returns:
            The entries, and the last name of the page if another one follows, else "".
        """
        folder = self.locate(path)
        if not after:  # what was added just now may not show in the folder's time
            _list_names.cache_clear()
        names = _list_names(folder, folder.stat().st_mtime_ns)
        start = bisect.bisect_right(names, after)
        page = names[start : start + size]
        entries = [self.describe(f"{path}/{name}") for name in page if (folder / name).exists()]
        return entries, page[-1] if start + size < len(names) else ""


@functools.lru_cache(maxsize=8)
def _list_names(folder: Path, _changed: int) -> list[str]:
    return sorted(os.listdir(folder))


def parse_bucket(text: str) -> Bucket:
    """A bucket from PROTOCOL/NAME=FOLDER.

    Raises:
        ValueError: it is not that, or the folder is not there.
    """
    place, _, folder = text.partition("=")
    protocol, _, name = place.partition("/")
    if protocol not in PROTOCOLS or not name.strip("/"):
        raise ValueError(f"{place!r} is not PROTOCOL/NAME with one of {', '.join(PROTOCOLS)}")
    if not folder or not Path(folder).is_dir():
        raise ValueError(f"{folder!r} is not a folder")
    return Bucket(place.strip("/"), Path(folder))
