"""Where images lie in shards: plain tar files of many images, for which a table tells the place of each."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.integrity import is_md5

COLUMNS = ("shard", "offset", "bytes", "md5")
"""Of a label table whose images lie in shards: file, first byte, number of bytes and md5 of each image."""

ALONE = -1
"""In place of a number: the image is a file of its own."""

Numbers = NDArray[np.int64]


class Place(NamedTuple):
    """Where an image lies.

    Attributes:
        shard: number of the shard.
        offset: of its first byte in the shard.
        size: in bytes.
        md5: of its bytes.
    """

    shard: int
    offset: int
    size: int
    md5: str


class Members:
    """The places of the images that lie in shards, in columns: a million take 200 MB.

    Args:
        images: ids, one for each row of the table.
        columns: `COLUMNS` of the table, all text; a row without a shard is a file of its own.
        source: of the table, for the error message.

    Attributes:
        names: file names of the shards, by number.
        shard_bytes: of the images in each shard, of shape (shards,).

    Raises:
        UserError: the columns tell no place.
    """

    def __init__(self, images: Sequence[str], columns: Mapping[str, ArrayLike], source: str) -> None:
        shards = np.asarray(columns["shard"], np.str_)
        packed = np.flatnonzero(shards != "")
        names, self._shards = np.unique(shards[packed], return_inverse=True)
        self.names: list[str] = names.tolist()
        try:
            self._offsets, self._sizes = (
                _read_numbers(columns[name], packed) for name in ("offset", "bytes")
            )
            self._md5s = _read_md5s(columns["md5"], packed)
        except ValueError as error:
            raise UserError(
                f"{source} does not tell where the images lie in their shards ({error}).",
                "Take the table that the pipeline `slides` has written beside the shards.",
            ) from error
        self._rows = {images[table_row]: row for row, table_row in enumerate(packed.tolist())}
        self.shard_bytes = np.bincount(self._shards, self._sizes, len(names)).astype(np.int64)

    def __len__(self) -> int:
        """How many images lie in shards."""
        return len(self._rows)

    def list_images(self, names: Container[str]) -> Iterator[str]:
        """The ids of the images in those shards whose file names are given."""
        present = np.array([name in names for name in self.names], np.bool_)
        return (image for image, row in self._rows.items() if present[self._shards[row]])

    def find_row(self, image: str) -> int:
        """The number by which an image is known here; `ALONE` if it lies in no shard."""
        return self._rows.get(image, ALONE)

    def find_rows(self, images: Iterable[str]) -> Numbers:
        """The same for many."""
        return np.fromiter(map(self.find_row, images), np.int64)

    def find_shards(self, rows: Numbers) -> Numbers:
        """The numbers of the shards in which rows lie; `ALONE` where that is none."""
        packed = rows != ALONE
        shards = np.full(len(rows), ALONE, np.int64)
        shards[packed] = self._shards[rows[packed]]
        return shards

    def place(self, row: int) -> Place:
        """Where the image of a row lies."""
        offset, size = int(self._offsets[row]), int(self._sizes[row])
        return Place(int(self._shards[row]), offset, size, self._md5s[row].decode())

    def list_rows(self, shard: int) -> Numbers:
        """All rows of a shard."""
        return np.flatnonzero(self._shards == shard)

    def divide(self, rows: Numbers) -> Iterator[tuple[int, Numbers]]:
        """Divide rows by shard, in the order in which the shards are first used.

        Args:
            rows: those that are `ALONE` are left out.

        Yields:
            The number of a shard, and those of the rows that lie in it.
        """
        shards = self.find_shards(rows)
        numbers, firsts = np.unique(shards, return_index=True)
        for number in numbers[np.argsort(firsts)]:
            if number != ALONE:
                yield int(number), rows[shards == number]


def _read_numbers(column: ArrayLike, rows: Numbers) -> Numbers:
    numbers = np.asarray(column, np.str_)[rows].astype(np.int64)
    if (numbers < 0).any():
        raise ValueError(f"{numbers.min()} is less than 0")
    return numbers


def _read_md5s(column: ArrayLike, rows: Numbers) -> NDArray[np.bytes_]:
    md5s = np.asarray(column, np.str_)[rows]
    for md5 in md5s:
        if not is_md5(md5):  # which would not be checked
            raise ValueError(f"{str(md5)!r} is no md5")
    return md5s.astype(np.bytes_)
