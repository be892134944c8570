"""The manifests of the folders that DVC tracks in one repository at one commit."""

import logging
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.cache_layout import FOLDER_SUFFIX
from mayo_kedro.streaming.entries import Entry
from mayo_kedro.streaming.manifest import Manifest, sort_manifest

logger = logging.getLogger(__name__)

FEW = 32
"""Files of a folder that are asked for one by one before, and while, its manifest is under way."""
PATIENCE_SECONDS = 1.0
"""How long the others wait for it: time for some hundred thousand names on a fast line."""


class _Preparation:
    """A manifest that is under way, or has come."""

    def __init__(self) -> None:
        self.done = threading.Event()
        self.asked_alone = count()


class Manifests:
    """Finds and lists files by the manifests that have been brought here.

    Args:
        folder: where sorted manifests are kept.
        list_known: lists a folder of the repository, if that was asked before.
        list_folder: lists it anyway.
        fetch: brings the manifest of a DVC-tracked folder here.
    """

    def __init__(
        self,
        folder: Path,
        list_known: Callable[[str], list[Entry] | None],
        list_folder: Callable[[str], list[Entry]],
        fetch: Callable[[Entry], Path],
    ) -> None:
        self._folder = folder
        self._list_known = list_known
        self._list_folder = list_folder
        self._fetch = fetch
        self._manifests: dict[str, Manifest] = {}
        self._prepared: dict[str, _Preparation] = {}
        self._lock = threading.Lock()

    def open_known(self, folder: str) -> bool:
        """Open the manifest of a folder, or of one above it, if it and the way to it are on this disk."""
        tracked = self._find_tracked(folder, self._list_known)
        if tracked is None or not (self._folder / tracked.declared_hash).is_file():
            return False
        self._manifests[tracked.path] = self._open(tracked)
        return True

    def prepare(self, folder: str) -> None:
        """Bring the manifest of a folder here, or of one above it, if there is one and it can be had."""
        with self._lock:
            begun = folder in self._prepared
            preparation = self._prepared.setdefault(folder, _Preparation())
        if begun:
            preparation.done.wait()
            return
        try:
            if tracked := self._find_tracked(folder, self._list_folder):
                self._manifests[tracked.path] = self._open(tracked)
        except UserError as error:  # files are asked for one by one instead
            logger.debug("There is no manifest of %s: %s", folder, error)
        finally:
            preparation.done.set()

    def wait_for(self, path: str) -> Entry | None:
        """Find a path when the manifest that is under way has come; None where that is not worth it.

        The first files do not wait, so that work can begin; a large manifest is not waited for.
        """
        preparation = self._prepared.get(path.rpartition("/")[0])
        if preparation is None or preparation.done.is_set() or next(preparation.asked_alone) < FEW:
            return None
        preparation.done.wait(PATIENCE_SECONDS)
        return self.find(path)

    @staticmethod
    def _find_tracked(folder: str, list_folder: Callable[[str], list[Entry] | None]) -> Entry | None:
        """The folder that DVC tracks: this one or one above it."""
        parts = folder.split("/")
        for depth in range(len(parts)):
            path = "/".join(parts[: depth + 1])
            children = {entry.path: entry for entry in list_folder("/".join(parts[:depth])) or ()}
            if path not in children or children[path].declared_hash.endswith(FOLDER_SUFFIX):
                return children.get(path)
        return None

    def _open(self, folder: Entry) -> Manifest:
        kept = self._folder / folder.declared_hash
        if kept.is_file():
            return Manifest(kept)
        try:
            return sort_manifest(self._fetch(folder), kept)
        except ValueError as error:
            raise UserError(
                f"The manifest of {folder.path} can't be read: {error}",
                "Files are asked for one by one; `dvc push` mends a damaged manifest.",
            ) from error

    def find(self, path: str) -> Entry | None:
        """The entry of a path, if a manifest names it; without its size."""
        for folder, manifest in self._manifests.items():
            if path.startswith(f"{folder}/"):
                name = path[len(folder) + 1 :]
                if md5 := manifest.find(name):
                    return Entry(path, False, None, md5, "dvc")
                if manifest.has_folder(name):
                    return Entry(path, True, 0, "", "dvc")
        return None

    def list_folder(self, folder: str) -> list[Entry] | None:
        """What lies in a folder, if a manifest tells it; without the sizes."""
        for top, manifest in self._manifests.items():
            if folder == top or folder.startswith(f"{top}/"):
                return [
                    Entry(f"{folder}/{name}", md5 is None, None if md5 else 0, md5 or "", "dvc")
                    for name, md5 in manifest.list_folder(folder[len(top) + 1 :]).items()
                ]
        return None
