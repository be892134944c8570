"""Labelled images to shuffled batches for Keras."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt
import pandas as pd
import tensorflow as tf

from mayo_kedro.pipelines.modelling.pixels import Pixels

Order = npt.NDArray[np.int64]


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


def shuffled_orders(size: int, seed: int) -> Callable[[], Order]:
    """Make a function that gives another permutation at each call, the same ones for one seed."""
    epochs = count()
    return lambda: np.random.default_rng([seed, next(epochs)]).permutation(size)


def make_batches(
    pixels: Pixels,
    images: LabelledImages,
    batch_size: int,
    next_order: Callable[[], Order] | None = None,
) -> tf.data.Dataset:
    """Make batches of (pixels, label, weight); each pass over them asks for a new order.

    Args:
        pixels: gives the images by id.
        images: the rows.
        batch_size: images a batch; the last may be smaller.
        next_order: gives the row numbers of the coming pass; by default as they are.
    """
    labels, weights = tf.constant(images.labels), tf.constant(images.weights)

    def read_pass() -> Iterator[tuple[object, np.int64]]:
        order = np.arange(len(images.ids)) if next_order is None else next_order()
        return zip(pixels.read(images.ids[order].tolist()), order, strict=True)

    def complete(element: tf.Tensor, row: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        return pixels.decode(element), tf.gather(labels, row), tf.gather(weights, row)

    signature = (pixels.signature, tf.TensorSpec((), tf.int64))
    batches = (
        tf.data.Dataset.from_generator(read_pass, output_signature=signature)
        .map(complete, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size)
        .prefetch(tf.data.AUTOTUNE)
    )
    return batches.apply(tf.data.experimental.assert_cardinality(-(-len(images.ids) // batch_size)))
