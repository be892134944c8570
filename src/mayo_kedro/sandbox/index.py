"""What one commit holds, as the DagsHub API shows it: git's files and, merged in, what DVC tracks."""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import yaml

from mayo_kedro.sandbox.git import TreeEntry
from mayo_kedro.sandbox.manifest import Manifest
from mayo_kedro.sandbox.objects import ObjectStore, is_object_name

__all__ = ["CommitIndex", "Entry", "Tracked", "build_index"]


class Entry(NamedTuple):
    """A file or folder.

    `hash` is git's object id, or the md5 in DVC's store ("" for a folder below a tracked one); `size` is in
    bytes, None if only the store knows it. Buckets are no part of a commit, but their entries are alike.
    """

    path: str
    kind: Literal["file", "dir", "storage"]
    versioning: Literal["git", "dvc", "bucket"]
    hash: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a `.dvc` file tracks: a path, its md5, and where the `.dvc` file is."""

    path: str
    md5: str
    size: int | None
    described_in: str

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder with a manifest."""
        return self.md5.endswith(".dir")


@dataclass
class CommitIndex:
    """Everything a commit holds, by path; the root folder is "".

    What is below a tracked folder is looked up in its manifest, which commits share, and which may be large.
    """

    entries: dict[str, Entry] = field(default_factory=lambda: {"": Entry("", "dir", "git", "")})
    children: dict[str, dict[str, Entry]] = field(default_factory=dict)
    tracked: dict[str, Tracked] = field(default_factory=dict)
    manifests: dict[str, Manifest] = field(default_factory=dict)
    complete: bool = True

    def add(self, entry: Entry) -> None:
        """Enter a file or folder, and those folders above it that are not there yet."""
        self.entries[entry.path] = entry
        parent = posixpath.dirname(entry.path)
        self.children.setdefault(parent, {})[entry.path] = entry
        if parent not in self.entries:
            self.add(Entry(parent, "dir", entry.versioning, ""))

    def find(self, path: str) -> Entry | None:
        """The file or folder at a path."""
        entry = self.entries.get(path)
        tracked = self.find_tracking(path) if entry is None else None
        if tracked is None or tracked.path not in self.manifests:
            return entry
        return _find_below(tracked.path, self.manifests[tracked.path], path)

    def list_folder(self, path: str) -> list[Entry]:
        """What is directly in a folder, by name."""
        own, below = self.children.get(path), self._list_below(path)
        if not own:
            return below
        entries = {**{entry.path: entry for entry in below}, **own}
        return [entries[one] for one in sorted(entries)]

    def _list_below(self, path: str) -> list[Entry]:
        tracked = self.find_tracking(path)
        if tracked is None or tracked.path not in self.manifests:
            return []
        manifest = self.manifests[tracked.path]
        names = manifest.list_folder(path[len(tracked.path) + 1 :])
        found = (_find_below(tracked.path, manifest, f"{tracked.path}/{name}") for name in names)
        return [entry for entry in found if entry]

    def find_tracking(self, path: str) -> Tracked | None:
        """The DVC output that is this path, or a folder above it."""
        while path:
            if path in self.tracked:
                return self.tracked[path]
            path = posixpath.dirname(path)
        return None


def _find_below(folder: str, manifest: Manifest, path: str) -> Entry | None:
    below = path[len(folder) + 1 :]
    md5 = manifest.files.get(below)
    if md5 is not None:
        return Entry(path, "file", "dvc", md5)
    return Entry(path, "dir", "dvc", "") if manifest.is_folder(below) else None


def build_index(tree: Iterable[TreeEntry], described: Mapping[str, bytes], store: ObjectStore) -> CommitIndex:
    """Merge git's tree with what its `.dvc` files track.

    Args:
        tree: the files and folders git knows.
        described: the content of each `.dvc` file by its path.
        store: holds the manifests of folders.
    """
    index = CommitIndex()
    for path, kind, identity, size in tree:
        if kind != "commit":  # a submodule
            index.add(Entry(path, "dir" if kind == "tree" else "file", "git", identity, size))
    for path, content in described.items():
        for tracked in _read_outputs(path, content):
            _add_tracked(index, tracked, store)
    return index


def _read_outputs(path: str, content: bytes) -> list[Tracked]:
    try:
        description = yaml.safe_load(content)
    except yaml.YAMLError:
        return []
    outputs = description.get("outs") if isinstance(description, dict) else None
    base = posixpath.join(posixpath.dirname(path), str(description.get("wdir", "."))) if outputs else ""
    return [
        Tracked(posixpath.normpath(posixpath.join(base, str(out["path"]))), out["md5"], out.get("size"), path)
        for out in outputs or []
        if is_object_name(str(out.get("md5"))) and "path" in out
    ]


def _add_tracked(index: CommitIndex, tracked: Tracked, store: ObjectStore) -> None:
    index.tracked[tracked.path] = tracked
    if not tracked.is_folder:
        index.add(Entry(tracked.path, "file", "dvc", tracked.md5, tracked.size))
        return
    index.add(Entry(tracked.path, "dir", "dvc", tracked.md5, tracked.size))
    try:
        index.manifests[tracked.path] = store.read_manifest(tracked.md5)
    except FileNotFoundError:
        index.complete = False
