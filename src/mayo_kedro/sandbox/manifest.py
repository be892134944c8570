"""The manifest of a folder that DVC tracks: a JSON list of its files, with the md5 of each."""

import json
import posixpath
from collections.abc import Mapping
from typing import Any

__all__ = ["Manifest", "parse_manifest", "write_manifest"]


class Manifest:
    """What a tracked folder holds.

    Args:
        files: the md5 of each file by its path below the folder.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self._folders: dict[str, list[str]] = {"": []}
        for path in files:
            self._enter(path)
        for names in self._folders.values():
            names.sort()

    def _enter(self, path: str) -> None:
        parent = posixpath.dirname(path)
        if parent not in self._folders:
            self._folders[parent] = []
            self._enter(parent)
        self._folders[parent].append(path)

    def is_folder(self, path: str) -> bool:
        """Whether there are files below this path; the folder itself is ""."""
        return path in self._folders

    def list_folder(self, path: str) -> list[str]:
        """The paths of the files and folders that are directly in a folder, in order."""
        return self._folders.get(path, [])


def parse_manifest(content: bytes) -> Manifest:
    """Read a manifest."""
    entries: list[dict[str, Any]] = json.loads(content)
    return Manifest({entry["relpath"]: entry["md5"] for entry in entries})


def write_manifest(files: Mapping[str, str]) -> bytes:
    """A folder's manifest in the very bytes DVC writes, so that both come to the same md5."""
    entries = [{"md5": md5, "relpath": path} for path, md5 in sorted(files.items())]
    return json.dumps(entries, sort_keys=True).encode()
