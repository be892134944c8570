"""An open slide: on this disk, streamed in parts, or copied for as long as it is open."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from fsspec import AbstractFileSystem
from fsspec.utils import merge_offset_ranges

from mayo_kedro.streaming.errors import TransferError
from mayo_kedro.streaming.read_ahead import ReadAheadFile
from mayo_kedro.streaming.slide_places import (
    Listed,
    find_here,
    open_streamed,
    require_unchanged,
    spool,
)

MERGED_GAP = 2**14
"""Bytes; parts that lie nearer to each other are asked for together."""

MOST_MERGED = 2**22


class SlideFile:
    """What reads an open slide.

    Args:
        file: seekable, open for reading.
        size: of the slide in bytes.
        bytes_fetched: tells how many bytes have travelled.

    Attributes:
        descriptor: of the file, if it lies on this disk; libvips reads that faster than `file`.
    """

    def __init__(self, file: BinaryIO | ReadAheadFile, size: int, bytes_fetched: Callable[[], int]) -> None:
        self.file = cast(BinaryIO, file)
        self.size = size
        self._streamed = file if isinstance(file, ReadAheadFile) else None
        self.descriptor = None if self._streamed else file.fileno()
        self._bytes_fetched = bytes_fetched

    @property
    def bytes_fetched(self) -> int:
        """How many bytes have travelled so far."""
        return self._bytes_fetched()

    def read_ranges(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        """Read parts of the slide, many at once, those that lie close together in one request.

        Args:
            ranges: start and end (exclusive) in bytes of each.

        Returns:
            The parts, in the order of `ranges`.
        """
        if not ranges:
            return []
        starts, ends = zip(*ranges, strict=True)
        _, firsts, lasts = merge_offset_ranges(
            [""] * len(ranges), list(starts), list(ends), max_gap=MERGED_GAP, max_block=MOST_MERGED
        )
        merged = list(zip(firsts, lasts, strict=True))
        contents = dict(zip(merged, self._read_each(merged), strict=True))
        return [_cut(contents, start, end) for start, end in ranges]

    def _read_each(self, ranges: list[tuple[int, int]]) -> list[bytes]:
        if self._streamed:
            return self._streamed.read_ranges(ranges)
        return [os.pread(self.file.fileno(), end - start, start) for start, end in ranges]


def _cut(contents: dict[tuple[int, int], bytes], start: int, end: int) -> bytes:
    for (first, last), content in contents.items():
        if first <= start and end <= last:
            return content[start - first : end - first]
    raise AssertionError("every range lies in a merged one")


@contextmanager
def open_slide(
    filesystem: AbstractFileSystem, path: str, listed: Listed, whole: bool, spool_bytes: int
) -> Iterator[SlideFile]:
    """Open a slide; when it is closed without an error, what was read is what had been listed.

    Args:
        filesystem: where it lies.
        path: its address there.
        listed: its size and hash when it was listed.
        whole: whether it is read from front to back, or only here and there.
        spool_bytes: the largest copy that may be on this disk while the slide is open, if the place
            does not give parts of files.

    Raises:
        SlideChangedError: it changed after it was listed.
        TransferError: it can't be fetched, or is damaged.
        UserError: a copy would be larger than `spool_bytes`.
    """
    here = find_here(filesystem, path, listed)
    if here is not None:
        with here.open("rb") as file:
            yield SlideFile(file, listed[0], lambda: 0)
    elif (streamed := open_streamed(filesystem, path, listed, whole)) is not None:
        with streamed:
            yield SlideFile(streamed, listed[0], lambda: streamed.bytes_fetched)
            if not streamed.is_intact():
                raise TransferError(f"{path} arrived damaged.", "Run again: only what is missing is done.")
    else:
        with spool(filesystem, path, listed[0], spool_bytes) as file:
            yield SlideFile(file, listed[0], lambda: listed[0])
    require_unchanged(filesystem, path, listed)
