"""Labelled images to shuffled batches."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import tensorflow as tf

from mayo_kedro.pipelines.modelling.pixels import Pixels

Rows = npt.NDArray[np.int64]


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


def balanced_weights(labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Weigh images so that each class counts the same and the mean weight is 1.

    The mean of the weighted cross-entropy is then the mean of the classes' own mean log losses,
    which is how the competition scored.
    """
    counts = np.bincount(labels)
    present = np.count_nonzero(counts)
    return (len(labels) / (present * counts[labels])).astype(np.float32)


class Batches:
    """Batches of labelled images; each pass over them is the next epoch.

    Args:
        pixels: gives the images by id.
        images: the rows.
        batch_size: images a batch; the last may be smaller.
        seed: of another order in every epoch; None keeps the order of the rows.
        epochs: how many passes there will be at most; None if that is not known.
    """

    def __init__(
        self,
        pixels: Pixels,
        images: LabelledImages,
        batch_size: int,
        seed: int | None = None,
        epochs: int | None = None,
    ) -> None:
        self.images = images
        self._pixels = pixels
        self._ids: list[str] = images.ids.tolist()
        self._batch_size = batch_size
        self._dataset = pixels.read(self._ids, batch_size, seed, epochs)

    def __len__(self) -> int:
        """Batches in an epoch, as long as no image is left out."""
        return math.ceil(len(self._ids) / self._batch_size)

    @property
    def statistics(self) -> dict[str, int]:
        """Counts of what has travelled so far; empty for files that lie here."""
        return self._pixels.images.statistics

    def __iter__(self) -> Iterator[tuple[Rows, tf.Tensor]]:
        """Give (row numbers, uint8 pixels) of each batch.

        Raises:
            UserError: at the end, more images were unreadable than may be.
        """
        arrived = np.zeros(len(self._ids), np.bool_)
        for rows, pixels in self._dataset:
            arrived[rows.numpy()] = True
            yield rows.numpy(), pixels
        if not arrived.all():
            self._pixels.unreadable.note_pass(self._ids, {self._ids[row] for row in np.flatnonzero(arrived)})
