"""Probabilities of a network for the rows of a table."""

from collections.abc import Iterator

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import tensorflow as tf

from mayo_kedro.pipelines.modelling.batches import Batches, LabelledImages
from mayo_kedro.pipelines.modelling.pixels import Pixels
from mayo_kedro.pipelines.modelling.reading import Order, Rows


def predict(
    network: keras.Model, pixels: Pixels, table: pd.DataFrame, batch_size: int
) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Predict the images of a table.

    Args:
        network: from uint8 images to probabilities.
        pixels: gives the images.
        table: one row an image.
        batch_size: images at once.

    Returns:
        Numbers of the rows, without those whose image was left out as unreadable; and a probability for each
        of them and each class, which add up to 1.
    """
    parts = list(_predict_batches(network, pixels, table, batch_size))
    probabilities = np.concatenate([part for _, part in parts]).astype(np.float64)
    return np.concatenate([rows for rows, _ in parts]), probabilities / probabilities.sum(
        axis=1, keepdims=True
    )


def _predict_batches(
    network: keras.Model, pixels: Pixels, table: pd.DataFrame, batch_size: int
) -> Iterator[tuple[Rows, npt.NDArray[np.float32]]]:
    signature = [tf.TensorSpec((None, *network.input_shape[1:]), tf.uint8)]
    call = tf.function(lambda images: network(images, training=False), input_signature=signature)
    batches = Batches(pixels, LabelledImages.from_table(table, weighted=False), Order(batch_size))
    for _, rows, images in batches.epoch():
        yield rows, call(images).numpy()


def tabulate(
    table: pd.DataFrame, rows: Rows, probabilities: npt.NDArray[np.float64], classes: tuple[str, ...]
) -> pd.DataFrame:
    """Put probabilities beside the rows they were predicted for, as `probability_<class>`."""
    chosen = table[["image", "patient", "label", "int_labels", "fold"]].iloc[rows].reset_index(drop=True)
    columns = [f"probability_{name}" for name in classes]
    return pd.concat([chosen, pd.DataFrame(probabilities, columns=columns)], axis=1)
