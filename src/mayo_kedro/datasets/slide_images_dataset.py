"""Images that come slide by slide, each whole or not at all, and the record of the slides that are done."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from kedro.io import AbstractDataset

PART = ".part"


class CutSlide(Protocol):
    """What is saved of a slide."""

    @property
    def slide(self) -> str:
        """Its name."""

    @property
    def key(self) -> str:
        """Of its content and the settings."""

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Of the table; none for a slide that is gone."""

    @property
    def images(self) -> Mapping[str, bytes]:
        """Encoded, by file name."""


@dataclass(frozen=True)
class Record:
    """A slide that is done.

    Attributes:
        slide: its name.
        key: of its content and the settings; "" if it has to be done again.
        rows: of the table.
        files: names of its images.
    """

    slide: str
    key: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FinishedSlide(Record):
    """A slide that is done and whose images are there.

    Attributes:
        sizes: of its images in bytes, by file name.
    """

    sizes: Mapping[str, int] = field(default_factory=dict)


class SlideImagesDataset(AbstractDataset[CutSlide, list[FinishedSlide]]):
    """Saves one `CutSlide` at a time; loads the records of all slides.

    An image appears under its name when all of it is written. A line is added to the record behind the
    slide's last image, so that whoever is killed leaves no image that the next run takes for a right one.

    Args:
        folder: of the images, on this disk; in a job its own, which it keeps when it has to start again.
        record: the file of the records, lines of JSON.
        metadata: for Kedro's plugins.
    """

    def __init__(self, *, folder: str, record: str, metadata: dict[str, Any] | None = None) -> None:
        self._folder = Path(folder)
        self._record = Path(record)
        self._known: dict[str, Record] | None = None
        self.metadata = metadata

    def load(self) -> list[FinishedSlide]:
        """The slides that are done, and whose images are still there."""
        return [found for record in self._read().values() if (found := self._find(record))]

    def save(self, data: CutSlide) -> None:
        """Write a slide's images in place of its earlier ones, and note that they are there.

        Raises:
            OSError: the disk is full, or the folder can't be written.
        """
        if self._known is None:
            self._known = self._read()
        before = self._known.get(data.slide)
        if before is not None and before.files:
            self._note(Record(data.slide, "", before.rows, before.files))
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, content in data.images.items():
            self._write(name, content)
        for name in set(before.files if before else ()) - set(data.images):
            (self._folder / name).unlink(missing_ok=True)
        self._note(Record(data.slide, data.key, [dict(row) for row in data.rows], list(data.images)))

    def _write(self, name: str, content: bytes) -> None:
        part = self._folder / f".{name}{PART}"
        try:
            part.write_bytes(content)
            part.replace(self._folder / name)
        finally:
            part.unlink(missing_ok=True)

    def _note(self, record: Record) -> None:
        self._record.parent.mkdir(parents=True, exist_ok=True)
        # A line that a kill has cut is closed by the empty one.
        line = "\n" + json.dumps(record.__dict__) + "\n"
        with self._record.open("ab", buffering=0) as file:
            file.write(line.encode())
        if self._known is not None:
            self._known[record.slide] = record

    def _read(self) -> dict[str, Record]:
        known: dict[str, Record] = {}
        if not self._record.exists():
            return known
        for line in self._record.read_text(encoding="utf-8").splitlines():
            try:
                record = Record(**json.loads(line))
            except ValueError:
                continue
            known[record.slide] = record
        return {name: record for name, record in known.items() if record.rows}

    def _find(self, record: Record) -> FinishedSlide | None:
        try:
            sizes = {name: (self._folder / name).stat().st_size for name in record.files}
        except FileNotFoundError:
            return None
        return FinishedSlide(**vars(record), sizes=sizes)

    def _exists(self) -> bool:
        return self._record.exists()

    def _describe(self) -> dict[str, Any]:
        return {"folder": str(self._folder), "record": str(self._record)}
