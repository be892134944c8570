"""What a place gives of a slide: the file itself, parts of it, or a copy for as long as it is read."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from fsspec import AbstractFileSystem
from fsspec.implementations.local import LocalFileSystem
from fsspec.utils import tokenize

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.addresses import is_stored
from mayo_kedro.streaming.entries import Entry
from mayo_kedro.streaming.errors import TransferError
from mayo_kedro.streaming.filesystem import DagsHubFileSystem
from mayo_kedro.streaming.integrity import is_checkable
from mayo_kedro.streaming.read_ahead import Fetch, ReadAheadFile

SMALL_BLOCK = 2**18
"""Bytes fetched at once where a slide is read here and there."""

Listed = tuple[int, str]
"""Of a slide when it was listed: its size in bytes, and what changes with its content."""


class SlideChangedError(UserError):
    """The slide is not the one that was listed."""


def name_version(filesystem: AbstractFileSystem, path: str) -> Listed:
    """Tell a file's size in bytes, and what changes with its content."""
    found = filesystem.info(path)
    declared = found.get("hash") if isinstance(filesystem, DagsHubFileSystem) else None
    return int(found["size"]), str(declared or tokenize(found))


def _locate(filesystem: DagsHubFileSystem, path: str, listed: Listed) -> tuple[Any, Entry, str]:
    repository, inner = filesystem.repository(path)
    entry = Entry(inner, False, listed[0], listed[1], "")
    return repository.contents, entry, repository.commit


def find_here(filesystem: AbstractFileSystem, path: str, listed: Listed) -> Path | None:
    """The slide on this disk: where it lies, or in the cache."""
    if isinstance(filesystem, LocalFileSystem):
        return Path(path)
    if isinstance(filesystem, DagsHubFileSystem) and is_checkable(listed[1]):
        contents, entry, commit = _locate(filesystem, path, listed)
        found: Path | None = contents.find(entry, commit)
        return found
    return None


class _NoPartsError(Exception):
    """The place gives files as a whole only."""


_giving_parts: set[tuple[str, bool]] = set()
"""Hosts, and whether that is said of their buckets: who gives a part once is not asked for one again."""


def open_streamed(
    filesystem: AbstractFileSystem, path: str, listed: Listed, whole: bool
) -> ReadAheadFile | None:
    """A file that is fetched in parts, if the place gives them."""
    options: dict[str, Any] = {"block_bytes": SMALL_BLOCK, "blocks_ahead": 0}
    if whole:
        options = {"declared": "" if _can_change(filesystem, path) else listed[1]}
    fetch = _find_fetch(filesystem, path, listed)
    if fetch is None:
        return None
    file = ReadAheadFile(fetch, listed[0], **options)
    try:
        file.read(1)  # it is needed in any case; asking first would cost a round trip
        file.seek(0)
    except _NoPartsError:
        file.close()
        return None
    return file


def _find_fetch(filesystem: AbstractFileSystem, path: str, listed: Listed) -> Fetch | None:
    if isinstance(filesystem, DagsHubFileSystem):
        contents, entry, commit = _locate(filesystem, path, listed)
        read = partial(contents.read_range, entry, commit)
        place = filesystem.host, is_stored(entry.path)
        if place not in _giving_parts and read(0, 1) is None:  # many at once would bring as many bodies
            return None
        _giving_parts.add(place)
    elif _gives_parts(filesystem, path):
        read = partial(filesystem.cat_file, path)
    else:
        return None

    def fetch(start: int, end: int) -> bytes:
        content: bytes | None = read(start, end)
        if content is None:
            raise _NoPartsError
        if len(content) != end - start:
            raise TransferError(
                f"{path} did not come in the part that was asked for.",
                "It may have changed since it was listed, or is damaged: run again.",
            )
        return content

    return fetch


def _gives_parts(filesystem: AbstractFileSystem, path: str) -> bool:
    with filesystem.open(path, "rb", block_size=1, cache_type="none") as file:
        try:
            file.read(1)
            file.seek(0)
        except ValueError:  # what fsspec raises where a server sends files as a whole only
            return False
    return True


@contextmanager
def spool(filesystem: AbstractFileSystem, path: str, size: int, spool_bytes: int) -> Iterator[BinaryIO]:
    """A copy that is removed as soon as it is open: nobody who is killed leaves it behind."""
    if size > spool_bytes:
        raise UserError(
            f"{path} has {size / 1e9:.2f} GB, and its place gives no parts of files: it would need a copy "
            f"larger than the {spool_bytes / 1e9:.2f} GB allowed.",
            "Raise spool_gigabytes of the slides in conf/base/catalog_slides.yml; each worker uses so much.",
        )
    with tempfile.TemporaryDirectory(prefix="mayo-kedro-slide-") as folder:
        file = _copy(filesystem, path, Path(folder)).open("rb")
    with file:
        yield file


def _copy(filesystem: AbstractFileSystem, path: str, folder: Path) -> Path:
    if isinstance(filesystem, DagsHubFileSystem):
        options = {**filesystem.storage_options, "cache_folder": str(folder), "cache_gigabytes": None}
        own = fsspec.filesystem("dagshub", **options, skip_instance_cache=True)
        return Path(own.fetch(path))
    filesystem.get_file(path, str(folder / "slide"))
    return folder / "slide"


def _can_change(filesystem: AbstractFileSystem, path: str) -> bool:
    """Whether the file may be another one later; what lies at a commit may not."""
    return not isinstance(filesystem, DagsHubFileSystem) or is_stored(filesystem.repository(path)[1])


def require_unchanged(filesystem: AbstractFileSystem, path: str, listed: Listed) -> None:
    """Ask a place without commits once more.

    Raises:
        SlideChangedError: it has another slide by now.
    """
    if not _can_change(filesystem, path):
        return
    filesystem.invalidate_cache()
    if name_version(filesystem, path) != listed:
        raise SlideChangedError(
            f"{path} changed while the slides were read.", "Run again: it is read as it is then."
        )
