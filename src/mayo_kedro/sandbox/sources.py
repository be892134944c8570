"""Where a sandbox repository's first content comes from: a folder of the user's, or the drawn sample."""

import hashlib
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from mayo_kedro.sandbox.objects import ObjectStore, Stored

__all__ = [
    "FolderSource",
    "Held",
    "SampleSource",
    "Say",
    "SlidesSource",
    "Source",
    "WeightsSource",
    "collect",
]

TEXT_SUFFIXES = {".csv", ".json", ".md", ".toml", ".txt", ".yaml", ".yml"}
TEXT_LIMIT = 5 << 20
THREADS = 4

Say = Callable[[str], None]


class Source(Protocol):
    """Something that can be seeded from."""

    @property
    def name(self) -> str:
        """What it is called in a commit."""

    def fingerprint(self) -> str:
        """Changes when the content may have; cheap to find out."""

    def opened(self, scratch: Path, say: Say) -> AbstractContextManager[Path]:
        """The folder with the content, made below `scratch` if it has to be made."""


@dataclass(frozen=True)
class Held:
    """What a folder holds, as a repository holds it.

    Args:
        texts: small text files at the top, for git.
        tracked: everything else, by top-level name: stored in DVC's way, and how many files a folder has.
    """

    texts: dict[str, bytes]
    tracked: dict[str, tuple[Stored, int | None]]


@dataclass(frozen=True)
class FolderSource:
    """A folder of the user's; names that begin with a dot are left out."""

    folder: Path

    @property
    def name(self) -> str:
        """What it is called in a commit."""
        return self.folder.name

    def fingerprint(self) -> str:
        """From the names, sizes and times of its files."""
        facts = ((path.relative_to(self.folder), path.stat()) for path in _walk(self.folder))
        return _digest(f"{path}\0{found.st_size}\0{found.st_mtime_ns}".encode() for path, found in facts)

    @contextmanager
    def opened(self, scratch: Path, say: Say) -> Iterator[Path]:
        """The folder itself."""
        say(f"Taking in {self.folder}.")
        yield self.folder


class _Generated(ABC):
    """Content that a module of this package makes; a change of the module's source makes it anew."""

    name: str
    modules: tuple[str, ...]
    notice: str

    def fingerprint(self) -> str:
        """From the source of what makes it."""
        return _digest(Path(__file__).with_name(module).read_bytes() for module in self.modules)

    @contextmanager
    def opened(self, scratch: Path, say: Say) -> Iterator[Path]:
        """A folder that is there until it has been taken in."""
        say(self.notice)
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            self._make(Path(folder))
            yield Path(folder)

    @abstractmethod
    def _make(self, folder: Path) -> None:
        """Write the content."""


class SampleSource(_Generated):
    """The synthetic sample."""

    name = "sample"
    modules = ("sample.py", "clot.py")
    notice = "Drawing the sample: synthetic images, once."

    def _make(self, folder: Path) -> None:
        import_module("mayo_kedro.sandbox.sample").draw_sample(folder)


class SlidesSource(_Generated):
    """The synthetic sample as whole slides."""

    name = "slides"
    modules = ("slides.py", "sample.py", "clot.py")
    notice = "Drawing whole slides: synthetic images, once."

    def _make(self, folder: Path) -> None:
        import_module("mayo_kedro.sandbox.slides").draw_slides(folder)


class WeightsSource(_Generated):
    """The backbones' weights, in a folder of their own."""

    name = "pretrained_efficientnet"
    modules = ("weights.py", "torch_file.py")
    notice = "Exporting the pretrained weights, once."

    def _make(self, folder: Path) -> None:
        import_module("mayo_kedro.sandbox.weights").export_weights(folder / self.name)


def collect(folder: Path, store: ObjectStore) -> Held:
    """Take in what a folder holds; what DVC is to track is copied into the store."""
    held = Held({}, {})
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix == ".dvc":
            continue
        if path.is_dir():
            files = list(_walk(path))
            if files:
                held.tracked[path.name] = _take_folder(path, files, store)
        elif path.suffix.lower() in TEXT_SUFFIXES and path.stat().st_size <= TEXT_LIMIT:
            held.texts[path.name] = path.read_bytes()
        else:
            held.tracked[path.name] = _take_file(path, store), None
    return held


def _take_folder(folder: Path, files: list[Path], store: ObjectStore) -> tuple[Stored, int]:
    with ThreadPoolExecutor(THREADS) as threads:
        contents = list(threads.map(lambda path: _take_file(path, store), files))
    names = [path.relative_to(folder).as_posix() for path in files]
    manifest = store.add_manifest({name: one.md5 for name, one in zip(names, contents, strict=True)})
    return Stored(manifest.md5, sum(one.size for one in contents)), len(files)


def _take_file(path: Path, store: ObjectStore) -> Stored:
    with path.open("rb") as file:
        return store.add_stream(file)


def _walk(folder: Path) -> Iterator[Path]:
    """The files below a folder in a fixed order, without those hidden by a dot."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(b"%d\0" % len(part) + part)
    return digest.hexdigest()
