"""Batches of pixels from any batch of any epoch on, so that an interrupted training finds its place."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from mayo_kedro.pipelines.modelling.interfaces import Batch, BatchLoader, ImageStream

Rows = npt.NDArray[np.int64]

Skip = Callable[[str], bool]
"""Tells of an id whether its file is not needed."""

Framed = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]
"""The pixels of an image or of its tiles, and where these lie in it, see `choose_tiles`."""

Decoded = tuple[np.int64, *Framed]
"""A row number, the pixels of its image, and where its tiles lie."""

ReadBatch = tuple[tf.Tensor, tf.Tensor, tf.Tensor]
"""Of the images of a batch the row numbers, the pixels, and where their tiles lie."""


@dataclass(frozen=True)
class Order:
    """Which rows of a table make up which batch.

    Attributes:
        batch_size: rows of a batch; the last may be smaller.
        seed: of another order in every epoch; None keeps the order of the table.
        epochs: how many there will be at most; None if that is not known.
        shard: which of the machines this is, each of which has a part of every batch.
        shards: how many machines there are.
    """

    batch_size: int
    seed: int | None = None
    epochs: int | None = None
    shard: int = 0
    shards: int = 1

    def load(self, images: ImageStream, ids: Sequence[str]) -> BatchLoader:
        """Make the loader of the files."""
        return images.batches(
            ids, self.batch_size, seed=self.seed, epochs=self.epochs, shard=self.shard, shards=self.shards
        )


class Reader:
    """The pixels of a loader's batches.

    Args:
        loader: of the files.
        make_passes: makes what gives, each time it is iterated over, each batch that `files` tells of.
    """

    def __init__(self, loader: BatchLoader, make_passes: Callable[["Reader"], Iterable[ReadBatch]]) -> None:
        self._loader = loader
        self._position = (0, 0)
        self._passes = make_passes(self)

    def epoch(self, number: int = 0, first_batch: int = 0) -> Iterator[ReadBatch]:
        """Give the batches of an epoch; the one before has to be used up or given up.

        Args:
            number: from 0.
            first_batch: where to begin.

        Returns:
            Row numbers, int64 of shape (batch,); pixels, uint8 of shape (batch, size, size, 3) or (batch,
            tiles, size, size, 3); and where the tiles lie, float32 of shape (batch, tiles, 4), with no tiles
            for whole images.
        """
        self._position = number, first_batch
        return iter(self._passes)

    def files(self, skip: Skip | None = None) -> Iterator[Batch]:
        """Give the files of the epoch that was asked for last."""
        return self._loader.epoch(*self._position, skip=skip)

    def asked_rows(self) -> Rows:
        """The rows of the epoch that was asked for last, from its first batch on."""
        return np.concatenate([batch.rows for batch in self.files(skip_all)])


def skip_all(image: str) -> bool:
    """Need no file at all."""
    return True


class Arriving:
    """Decoded images in the order of their rows, among which unreadable ones are missing.

    Args:
        decoded: gives them.
    """

    def __init__(self, decoded: Iterator[Decoded]) -> None:
        self._decoded = decoded
        self._next: Decoded | None = None

    def take(self, row: int) -> Framed | None:
        """The image of a row, waited for; None if it does not arrive."""
        if self._next is None:
            self._next = next(self._decoded, None)
        if self._next is None or self._next[0] != row:
            return None
        image, self._next = self._next[1:], None
        return image
