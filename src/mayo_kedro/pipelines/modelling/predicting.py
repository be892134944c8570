"""What a network tells of the rows of a table: probabilities, features, and where its evidence lies."""

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import tensorflow as tf

from mayo_kedro.pipelines.modelling.batches import Batches, LabelledImages
from mayo_kedro.pipelines.modelling.colours import measure_colours
from mayo_kedro.pipelines.modelling.evidence import Frames, frame_cells, open_network
from mayo_kedro.pipelines.modelling.pixels import Pixels
from mayo_kedro.pipelines.modelling.reading import Order, Rows

Floats = npt.NDArray[np.float32]

SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class Predicted:
    """What a network tells of some images; see `open_network` for what the numbers mean.

    Attributes:
        rows: numbers of the rows in the table, without those whose image was left out as unreadable.
        probabilities: (images, classes), which add up to 1.
        embeddings: (images, features).
        colours: of the images, see `measure_colours`, (images, 6).
        frames: where the parts lie, (images, parts, 4). A tile may reach beyond the image, and one that was
            only added to make up the number has NaN.
        attention: how much each part counts, (images, parts).
        evidence: of each part for each class, (images, parts, classes).
    """

    rows: Rows
    probabilities: npt.NDArray[np.float64]
    embeddings: Floats
    colours: Floats
    frames: Frames
    attention: Floats
    evidence: Floats


def predict(network: keras.Model, pixels: Pixels, table: pd.DataFrame, batch_size: int) -> Predicted:
    """Predict the images of a table.

    Args:
        network: from uint8 images to probabilities, see `open_network`.
        pixels: gives the images.
        table: one row an image, with `image`.
        batch_size: images at once.
    """
    batches = list(_predict_batches(network, pixels, table, batch_size))
    told = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
    probabilities = told.pop("probabilities").astype(np.float64)
    return Predicted(probabilities=probabilities / probabilities.sum(axis=1, keepdims=True), **told)


def _predict_batches(
    network: keras.Model, pixels: Pixels, table: pd.DataFrame, batch_size: int
) -> Iterator[dict[str, npt.NDArray[np.generic]]]:
    signature = [tf.TensorSpec((None, *network.input_shape[1:]), tf.uint8)]
    opened = open_network(network)
    call = tf.function(lambda images: opened(images, training=False), input_signature=signature)
    batches = Batches(pixels, LabelledImages.without_labels(table), Order(batch_size))
    for _, rows, images, frames in batches.framed_epoch():
        told = {name: tensor.numpy() for name, tensor in call(images).items()}
        told |= {"colours": measure_colours(images), "frames": frame_parts(frames.numpy(), told["attention"])}
        yield {"rows": rows, **told}


def frame_parts(frames: Frames, attention: Floats) -> Frames:
    """The frames of tiles as they were chosen, or else of the cells that a whole image was divided into."""
    if frames.shape[1]:
        return frames
    return np.broadcast_to(frame_cells(attention.shape[1]), (*attention.shape, 4))


def tabulate(table: pd.DataFrame, predicted: Predicted, classes: tuple[str, ...]) -> pd.DataFrame:
    """Put probabilities beside the rows they were predicted for, as `probability_<class>`."""
    names = ["image", "patient", "label", "int_labels", "fold"]
    columns = [f"probability_{name}" for name in classes]
    return _put_beside(table[names], predicted.rows, pd.DataFrame(predicted.probabilities, columns=columns))


def tabulate_embeddings(table: pd.DataFrame, predicted: Predicted) -> pd.DataFrame:
    """Put the features beside `image`, `patient` and `fold`, as `feature_0`, …, and `colour_0`, …."""
    columns = [f"feature_{number}" for number in range(predicted.embeddings.shape[1])]
    columns += [f"colour_{number}" for number in range(predicted.colours.shape[1])]
    told = pd.DataFrame(np.hstack([predicted.embeddings, predicted.colours]), columns=columns)
    return _put_beside(table[["image", "patient", "fold"]], predicted.rows, told)


def _put_beside(table: pd.DataFrame, rows: Rows, told: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table.iloc[rows].reset_index(drop=True), told], axis=1)


def tabulate_evidence(table: pd.DataFrame, predicted: Predicted, classes: tuple[str, ...]) -> pd.DataFrame:
    """List the parts of each image, without those that count for nothing.

    Args:
        table: one row an image.
        predicted: from `predict`.
        classes: in order.

    Returns:
        `image`; `left`, `top`, `right` and `bottom` in shares of its width and height; `attention`; and
        `evidence_<class>`.
    """
    images, parts = np.nonzero(predicted.attention)
    names = table["image"].to_numpy()[predicted.rows]
    numbers = {
        **dict(zip(SIDES, predicted.frames[images, parts].T, strict=True)),
        "attention": predicted.attention[images, parts],
    }
    for number, name in enumerate(classes):
        numbers[f"evidence_{name}"] = predicted.evidence[images, parts, number]
    return pd.DataFrame({"image": names[images], **numbers})
