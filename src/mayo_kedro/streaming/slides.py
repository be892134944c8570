"""Whole slides in a folder: listed at once, opened where they are worked on."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any

import fsspec
from fsspec import AbstractFileSystem

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.filesystem import DagsHubFileSystem
from mayo_kedro.streaming.services import TOKEN_VARIABLE
from mayo_kedro.streaming.slide_file import SlideFile, open_slide
from mayo_kedro.streaming.slide_places import name_version


@dataclass(frozen=True)
class Slide:
    """A slide as it was listed; it can be sent to another process or machine.

    Attributes:
        name: of the file, without its suffix.
        source: its address.
        size: in bytes.
        hash: what changes with its content.
        commit: of the repository; "" for other places.
        options: for fsspec; without the token, which each machine takes from its own environment.
        spool_bytes: the largest copy that may be on disk, see `open_slide`.
    """

    name: str
    source: str
    size: int
    hash: str
    commit: str
    options: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    spool_bytes: int = 0

    def open(self, whole: bool = True) -> AbstractContextManager[SlideFile]:
        """Open it, see `open_slide`; `whole` tells that it is read from front to back."""
        filesystem, path = fsspec.core.url_to_fs(self.source, **self.options)
        return open_slide(filesystem, path, (self.size, self.hash), whole, self.spool_bytes)


def list_slides(filesystem: AbstractFileSystem, folder: str, pattern: str, spool_bytes: int) -> list[Slide]:
    """List the slides of a folder.

    Args:
        filesystem: any fsspec filesystem.
        folder: where they lie.
        pattern: of their names, such as "*.tif".
        spool_bytes: see `open_slide`.

    Returns:
        The slides, by name.

    Raises:
        UserError: there are none, or two have the same name.
    """
    folder, commit = _pin(filesystem, folder)
    listed = {entry["name"]: entry for entry in filesystem.ls(folder, detail=True)}
    paths = sorted(path for path in listed if fnmatch(PurePosixPath(path).name, pattern))
    if not paths:
        raise UserError(
            f"There are no slides {pattern} in {filesystem.unstrip_protocol(folder)}.",
            "Set their folder and pattern in conf/base/catalog_slides.yml; to try it with generated ones: "
            "python -m mayo_kedro.sandbox --slides -- kedro run --pipelines slides",
        )
    options = _sendable_options(filesystem)
    slides = {}
    for path in paths:
        size, version = _name_listed(filesystem, listed[path])
        name = PurePosixPath(path).stem
        if name in slides:
            raise UserError(f"Two slides in {folder} are called {name}.", "Rename one of them.")
        source = filesystem.unstrip_protocol(path)
        slides[name] = Slide(name, source, size, version, commit, options, spool_bytes)
    return list(slides.values())


def _name_listed(filesystem: AbstractFileSystem, entry: Mapping[str, Any]) -> tuple[int, str]:
    if isinstance(filesystem, DagsHubFileSystem) and entry["size"] is not None:
        return int(entry["size"]), str(entry["hash"])  # asking for each alone would list its bucket again
    return name_version(filesystem, entry["name"])


def _pin(filesystem: AbstractFileSystem, folder: str) -> tuple[str, str]:
    """The folder at the commit that is read, so that no worker has to ask for it."""
    if not isinstance(filesystem, DagsHubFileSystem):
        return folder, ""
    repository, inner = filesystem.repository(folder)
    return f"/{repository.full_name}@{repository.commit}/{inner}", repository.commit


def _sendable_options(filesystem: AbstractFileSystem) -> dict[str, Any]:
    options = dict(filesystem.storage_options)
    if not isinstance(filesystem, DagsHubFileSystem):
        return options
    token = options.pop("token", None)
    if token:
        # Workers on this machine inherit it; elsewhere it is set as for every other run.
        os.environ.setdefault(TOKEN_VARIABLE, token)
    return {**options, "host": filesystem.host}
