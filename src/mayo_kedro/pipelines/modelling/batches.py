"""Labelled images to shuffled batches."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import tensorflow as tf

from mayo_kedro.pipelines.modelling.pixels import Pixels
from mayo_kedro.pipelines.modelling.reading import Order, Rows


@dataclass(frozen=True)
class LabelledImages:
    """Ids with their classes and their weights in the loss, row by row."""

    ids: npt.NDArray[np.str_]
    labels: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]

    @classmethod
    def from_table(cls, table: pd.DataFrame, weighted: bool) -> "LabelledImages":
        """Take the rows of a table with `image` and `int_labels`.

        Args:
            table: one row an image.
            weighted: weigh images by `balanced_weights`; else all the same.
        """
        labels = table["int_labels"].to_numpy(np.int64)
        weights = balanced_weights(labels) if weighted else np.ones(len(labels), np.float32)
        return cls(table["image"].to_numpy(str), labels, weights)

    @classmethod
    def without_labels(cls, table: pd.DataFrame) -> "LabelledImages":
        """Take the rows of a table with `image`, to predict them; all labels are 0."""
        count = len(table)
        return cls(table["image"].to_numpy(str), np.zeros(count, np.int64), np.ones(count, np.float32))


def balanced_weights(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Weigh images so that each class counts the same and the mean weight is 1.

    The mean of the weighted cross-entropy is then the mean of the classes' own mean log losses,
    which is how the competition scored.
    """
    counts = np.bincount(labels)
    present = np.count_nonzero(counts)
    return (len(labels) / (present * counts[labels])).astype(np.float32)


class Batches:
    """Batches of labelled images, from any batch of any epoch on.

    Args:
        pixels: gives the images by id.
        images: the rows.
        order: which rows make up which batch.
    """

    def __init__(self, pixels: Pixels, images: LabelledImages, order: Order) -> None:
        self.images = images
        self._pixels = pixels
        self._ids: list[str] = images.ids.tolist()
        self._order = order
        self._reader = pixels.read(self._ids, order)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return math.ceil(len(self._ids) / self._order.batch_size)

    @property
    def statistics(self) -> dict[str, int]:
        """Counts of what has travelled so far; empty for files that lie here."""
        return self._pixels.images.statistics

    def epoch(self, number: int = 0, first_batch: int = 0) -> Iterator[tuple[int, Rows, tf.Tensor]]:
        """Give number, rows and uint8 pixels of each batch; one without a readable image is left out.

        Args:
            number: of the epoch, from 0.
            first_batch: where to begin.

        Raises:
            UserError: at the end, more images were unreadable than may be.
        """
        return ((step, rows, pixels) for step, rows, pixels, _ in self.framed_epoch(number, first_batch))

    def framed_epoch(
        self, number: int = 0, first_batch: int = 0
    ) -> Iterator[tuple[int, Rows, tf.Tensor, tf.Tensor]]:
        """Give also where the tiles of each batch lie in their images, see `epoch` and `choose_tiles`."""
        if first_batch == len(self):
            return
        arrived = np.zeros(len(self._ids), np.bool_)
        read = self._reader.epoch(number, first_batch)
        for step, (rows, pixels, frames) in enumerate(read, first_batch):
            arrived[rows.numpy()] = True
            if len(rows):
                yield step, rows.numpy(), pixels, frames
        if not arrived.all():
            self._note_missing(arrived)

    def _note_missing(self, arrived: npt.NDArray[np.bool_]) -> None:
        """Rows of other machines, and those before the first batch, were not asked for."""
        asked = np.zeros(len(self._ids), np.bool_)
        asked[self._reader.asked_rows()] = True
        found = {self._ids[row] for row in np.flatnonzero(arrived | ~asked)}
        self._pixels.unreadable.note_pass(self._ids, found)
