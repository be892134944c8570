"""What one commit holds, as the DagsHub API shows it: git's files and, merged in, what DVC tracks."""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import yaml

from mayo_kedro.sandbox.git import TreeEntry
from mayo_kedro.sandbox.objects import ObjectStore, is_object_name

__all__ = ["CommitIndex", "Entry", "Tracked", "build_index"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder.

    `hash` is git's object id, or the md5 in DVC's store ("" for a folder below a tracked one); `size` is in
    bytes, None if only the store knows it.
    """

    path: str
    kind: Literal["file", "dir"]
    versioning: Literal["git", "dvc"]
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
    """Everything a commit holds, by path; the root folder is ""."""

    entries: dict[str, Entry] = field(default_factory=lambda: {"": Entry("", "dir", "git", "")})
    children: dict[str, dict[str, Entry]] = field(default_factory=dict)
    tracked: dict[str, Tracked] = field(default_factory=dict)
    manifests: dict[str, dict[str, str]] = field(default_factory=dict)
    complete: bool = True

    def add(self, entry: Entry) -> None:
        """Enter a file or folder, and those folders above it that are not there yet."""
        self.entries[entry.path] = entry
        parent = posixpath.dirname(entry.path)
        self.children.setdefault(parent, {})[entry.path] = entry
        if parent not in self.entries:
            self.add(Entry(parent, "dir", entry.versioning, ""))

    def list_folder(self, path: str) -> list[Entry]:
        """What is directly in a folder, by name."""
        return [entry for _, entry in sorted(self.children.get(path, {}).items())]

    def find_tracking(self, path: str) -> Tracked | None:
        """The DVC output that is this path, or a folder above it."""
        while path:
            if path in self.tracked:
                return self.tracked[path]
            path = posixpath.dirname(path)
        return None


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
        files = store.read_manifest(tracked.md5)
    except FileNotFoundError:
        index.complete = False
        return
    index.manifests[tracked.path] = files
    for name, md5 in files.items():
        index.add(Entry(f"{tracked.path}/{name}", "file", "dvc", md5))
