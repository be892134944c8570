"""DVC's content-addressed store, in the layout of a DVC 3 remote: files/md5/ab/cdef."""

import functools
import hashlib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

from mayo_kedro.sandbox.manifest import Manifest, parse_manifest, write_manifest

__all__ = ["ObjectStore", "Stored", "is_object_name"]

BLOCK = 1 << 20
KEPT_MANIFESTS = 8


class Stored(NamedTuple):
    """Content in the store: its md5 (with `.dir` for a manifest) and its size in bytes."""

    md5: str
    size: int


def is_object_name(name: str) -> bool:
    """Whether this is an md5, or the name of a folder's manifest."""
    return re.fullmatch(r"[0-9a-f]{32}(\.dir)?", name) is not None


class ObjectStore:
    """Contents by md5 below `folder`; written once, never changed, never half there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._contents = str(folder / "files" / "md5")
        self._manifests = functools.lru_cache(KEPT_MANIFESTS)(self._parse_manifest)

    def locate(self, md5: str) -> Path:
        """The file that holds (or would hold) this content."""
        return Path(f"{self._contents}/{md5[:2]}/{md5[2:]}")

    def holds(self, md5: str) -> bool:
        """Whether the content is here."""
        return self.locate(md5).is_file()

    def measure(self, md5: str) -> int:
        """The size of this content in bytes, 0 if it is not here."""
        try:
            return self.locate(md5).stat().st_size
        except FileNotFoundError:
            return 0

    def add_stream(self, stream: BinaryIO) -> Stored:
        """Copy everything left in `stream` into the store, block by block."""
        incoming = self.new_incoming()
        digest, size = hashlib.md5(usedforsecurity=False), 0
        with incoming.open("wb") as file:
            while block := stream.read(BLOCK):
                digest.update(block)
                size += file.write(block)
        return self.settle(incoming, digest.hexdigest(), size)

    def new_incoming(self) -> Path:
        """A fresh file in the store's own file system, to be filled and settled."""
        waiting = self._folder / "incoming"
        waiting.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=waiting)
        os.close(handle)
        return Path(name)

    def settle(self, incoming: Path, md5: str, size: int) -> Stored:
        """Move a complete file to its place under `md5`."""
        place = self.locate(md5)
        place.parent.mkdir(parents=True, exist_ok=True)
        incoming.replace(place)
        return Stored(md5, size)

    def add_manifest(self, files: Mapping[str, str]) -> Stored:
        """Store the manifest of a folder: the md5 of each file by its path below the folder."""
        content = write_manifest(files)
        incoming = self.new_incoming()
        incoming.write_bytes(content)
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return self.settle(incoming, f"{digest}.dir", len(content))

    def read_manifest(self, md5: str) -> Manifest:
        """What a folder holds; the last ones read stay in memory.

        Raises:
            FileNotFoundError: the manifest is not in the store.
        """
        return self._manifests(md5)

    def _parse_manifest(self, md5: str) -> Manifest:
        return parse_manifest(self.locate(md5).read_bytes())
