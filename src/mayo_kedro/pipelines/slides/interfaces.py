"""What the cutting of slides asks of the things that the catalog hands to it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, BinaryIO, Protocol, TypeVar

Result = TypeVar("Result")


class SlideFile(Protocol):
    """An open slide."""

    @property
    def file(self) -> BinaryIO:
        """Seekable, open for reading."""

    @property
    def descriptor(self) -> int | None:
        """Of the file, if it lies on this disk."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def bytes_fetched(self) -> int:
        """How many bytes have travelled so far."""

    def read_ranges(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        """Read parts, start and end (exclusive) in bytes of each, many at once."""


class Slide(Protocol):
    """A slide that is somewhere, and can be sent to another process."""

    @property
    def name(self) -> str:
        """Of the file, without its suffix."""

    @property
    def source(self) -> str:
        """Its address."""

    @property
    def size(self) -> int:
        """In bytes."""

    @property
    def hash(self) -> str:
        """What changes with its content."""

    @property
    def commit(self) -> str:
        """At which it is read; "" where there are none."""

    def open(self, whole: bool = True) -> AbstractContextManager[SlideFile]:
        """Open it; `whole` tells that it is read from front to back."""


class Finished(Protocol):
    """A slide that an earlier run has finished."""

    @property
    def slide(self) -> str:
        """Its name."""

    @property
    def key(self) -> str:
        """Of the slide's content and the settings; "" if there was a problem."""

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Of the table: one for each image, or one that names the problem."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Of its images in bytes, by file name."""


class Workers(Protocol):
    """Processes, here or elsewhere."""

    def run(
        self,
        function: Callable[[Slide], Result],
        slides: Sequence[Slide],
        *,
        scheduler: str | None,
        workers: int | None,
    ) -> Iterator[tuple[Slide, Result | str]]:
        """Give each slide with its result, or in words why there is none, in the order of their ends."""
