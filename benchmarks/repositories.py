"""Repositories for the service, made directly in its state folder: also such with a million files."""

import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from struct import pack

import numpy as np
from PIL import Image

from benchmarks.settings import IMAGE_SIDE, Load
from benchmarks.task import FOLDER, file_id
from mayo_kedro.sandbox.objects import ObjectStore, Stored
from mayo_kedro.sandbox.outputs import describe_output
from mayo_kedro.sandbox.repository import DEFAULT_BRANCH, Repository

OWNER = "sandbox"
TEXTURES = 16
GREY_LEVELS = 15
"""Of the noise in an image; gives a PNG of 512 by 512 pixels about 0.45 MB."""


@dataclass(frozen=True)
class Contents:
    """Different files in the service's store.

    Attributes:
        files: md5 and size in bytes of each.
        suffix: of their names.
        folder: of the store.
    """

    files: tuple[Stored, ...]
    suffix: str
    folder: Path

    @cached_property
    def size(self) -> int:
        """All bytes."""
        return sum(one.size for one in self.files)

    def path(self, number: int) -> Path:
        """Where the store keeps a file."""
        return ObjectStore(self.folder).locate(self.files[number].md5)


@dataclass(frozen=True)
class Made:
    """A repository with one commit, whose DVC folder `images` has `rows` files.

    File r has content r * contents // rows.
    """

    name: str
    commit: str
    rows: int
    contents: Contents


class Repositories:
    """Makes the repositories of one state folder, which all keep their contents in one store.

    Args:
        state: of the service, which may be running.
    """

    def __init__(self, state: Path) -> None:
        self._owner = state / "repositories" / OWNER
        self._store = self._owner / "contents"
        self._store.mkdir(parents=True)

    def add_random(self, load: Load) -> Contents:
        """Files of random bytes."""
        bodies = (
            np.random.default_rng([load.file_bytes, n]).bytes(load.file_bytes) for n in range(load.files)
        )
        return self._add(bodies, ".bin")

    def add_images(self, count: int) -> Contents:
        """Different PNGs of 512 by 512 pixels that look like noise and cost the same to decode."""
        return self._add(make_images(count), ".png")

    def add_small(self, count: int) -> Contents:
        """Different files of a few bytes."""
        return self._add((f"number {number}".encode() for number in range(count)), ".bin")

    def _add(self, bodies: Iterable[bytes], suffix: str) -> Contents:
        store = ObjectStore(self._store)
        return Contents(tuple(store.add_stream(io.BytesIO(body)) for body in bodies), suffix, self._store)

    def make(self, name: str, contents: Contents, rows: int | None = None) -> Made:
        """Make a repository.

        Args:
            name: its own.
            contents: what its files hold.
            rows: how many files it has, several of them with one content; None for one file each.
        """
        rows = len(contents.files) if rows is None else rows
        files = {
            f"{file_id(row)}{contents.suffix}": contents.files[row * len(contents.files) // rows].md5
            for row in range(rows)
        }
        return Made(*self._commit(name, files, contents.size), rows, contents)

    def make_packed(self, name: str, contents: Contents, shards: Iterable[Path]) -> Made:
        """Make a repository whose folder has shards instead of the files that they hold.

        Args:
            name: its own.
            contents: what the shards hold.
            shards: their files.
        """
        store, files = ObjectStore(self._store), {}
        for path in shards:
            with path.open("rb") as file:
                files[path.name] = store.add_stream(file).md5
        return Made(*self._commit(name, files, contents.size), len(contents.files), contents)

    def _commit(self, name: str, files: dict[str, str], size: int) -> tuple[str, str]:
        """Make a repository of files by name and md5; gives its full name and its commit."""
        # the service looks for NAME.dvc: a link to the store that all repositories share
        (self._owner / f"{name}.dvc").symlink_to(self._store.name)
        repository = Repository(self._owner, name)
        manifest = repository.store.add_manifest(files)
        described = describe_output(FOLDER, Stored(manifest.md5, size), len(files))
        repository.create()
        with repository.writing():
            changes = {f"{FOLDER}.dvc": described, ".gitignore": f"/{FOLDER}\n".encode(), ".dvc/config": b""}
            commit = repository.commit(DEFAULT_BRANCH, None, changes, "Files for the benchmarks")
        return f"{OWNER}/{name}", commit


def make_images(count: int) -> Iterator[bytes]:
    """Make PNGs: a few textures, each file with a comment of its own so that no two have the same hash."""
    textures = [_draw_texture(number) for number in range(min(count, TEXTURES))]
    for number in range(count):
        yield _comment(textures[number % len(textures)], f"number {number}")


def _draw_texture(number: int) -> bytes:
    y, x = np.mgrid[0:IMAGE_SIDE, 0:IMAGE_SIDE] / IMAGE_SIDE
    waves = [120 + 50 * np.sin((3 + number % 5) * x + turn * y) for turn in (1, 2, 4)]
    noise = np.random.default_rng(number).integers(0, GREY_LEVELS, (IMAGE_SIDE, IMAGE_SIDE, 3))
    file = io.BytesIO()
    Image.fromarray((np.stack(waves, axis=-1) + noise).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def _comment(image: bytes, text: str) -> bytes:
    """Put a tEXt chunk before IEND, which is the last twelve bytes of a PNG."""
    body = b"tEXt" + b"Comment\0" + text.encode()
    chunk = pack(">I", len(body) - 4) + body + pack(">I", zlib.crc32(body))
    return image[:-12] + chunk + image[-12:]
