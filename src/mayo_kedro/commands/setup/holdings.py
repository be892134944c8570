"""What a place holds that a training could use: tables, folders of images, weights."""

from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from mayo_kedro.commands.setup.place import Place
from mayo_kedro.streaming.new_images import SUFFIXES

TABLES = {".csv", ".tsv", ".parquet"}
READABLE_TABLE = ".csv"
WEIGHTS = {".h5", ".keras"}

DEEPEST = 4
MOST_FOLDERS = 60
"""Requests, at most: a repository may have thousands of folders."""


@dataclass(frozen=True)
class ImageFolder:
    """Images of one kind in one folder.

    Attributes:
        folder: from the root; "" is the root itself.
        suffix: as written, such as ".png" or ".JPG".
        count: number of files.
        size: of all files, in bytes.
        names: of the files.
    """

    folder: str
    suffix: str
    count: int
    size: int
    names: frozenset[str] = field(repr=False)


@dataclass
class Holdings:
    """What was found.

    Attributes:
        tables: size in bytes by path.
        images: the largest folder first.
        weights: size in bytes by path.
        files: how many files there are.
        is_complete: whether every folder was looked into.
    """

    tables: dict[str, int] = field(default_factory=dict)
    images: list[ImageFolder] = field(default_factory=list)
    weights: dict[str, int] = field(default_factory=dict)
    files: int = 0
    is_complete: bool = True


def look_through(place: Place, named: Iterable[str] = ()) -> Holdings:
    """List a place folder by folder, those near the root first.

    Args:
        place: to look through.
        named: folders to look into whatever else there is; those that do not exist are passed over.
    """
    found = Holdings()
    waiting = deque(dict.fromkeys(["", *filter(place.is_folder, named)]))
    looked: set[str] = set()
    while waiting and len(looked) < MOST_FOLDERS:
        folder = waiting.popleft()
        if folder in looked:
            continue
        looked.add(folder)
        rows = place.list_folder(folder)
        _sort_in(found, folder, {name: size for name, size in rows if size is not None})
        deeper = [f"{folder}/{name}".lstrip("/") for name, size in rows if size is None and name[0] != "."]
        waiting.extend(one for one in deeper if one.count("/") < DEEPEST)
    found.is_complete = not waiting
    found.images.sort(key=lambda one: (-one.count, one.folder.count("/"), one.folder))
    return found


def _sort_in(found: Holdings, folder: str, files: dict[str, int]) -> None:
    found.files += len(files)
    suffixes = {name: PurePosixPath(name).suffix for name in files}
    for name, suffix in suffixes.items():
        path = f"{folder}/{name}".lstrip("/")
        if suffix.lower() in TABLES:
            found.tables[path] = files[name]
        if suffix.lower() in WEIGHTS:
            found.weights[path] = files[name]
    kinds = Counter(suffix for suffix in suffixes.values() if suffix.lower() in SUFFIXES)
    for kind, count in kinds.items():
        names = frozenset(name for name, suffix in suffixes.items() if suffix == kind)
        size = sum(files[name] for name in names)
        found.images.append(ImageFolder(folder, kind, count, size, names))
