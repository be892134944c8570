"""What all networks of a predictor tell of images."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import tensorflow as tf

from mayo_kedro.pipelines.modelling.batches import Batches, LabelledImages
from mayo_kedro.pipelines.modelling.colours import measure_colours
from mayo_kedro.pipelines.modelling.interfaces import ImageStream
from mayo_kedro.pipelines.modelling.pixels import StreamedPixels
from mayo_kedro.pipelines.modelling.predicting import (
    SIDES,
    Predicted,
    frame_parts,
    tabulate_evidence,
)
from mayo_kedro.pipelines.modelling.reading import Order
from mayo_kedro.pipelines.prediction.likeness import normalise
from mayo_kedro.pipelines.prediction.networks import OpenedPredictor
from mayo_kedro.progress import progress

Told = Mapping[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Seen:
    """What all networks tell of some images.

    Attributes:
        predicted: the means over the networks; the embeddings are those of all, one after another.
        networks: names.
        probabilities: by each network, (networks, images, classes).
        distances: of the images from those that each network held out, in units of its threshold,
            (networks, images).
        colour_distances: of the colours from those of all held-out images, likewise, (images,).
    """

    predicted: Predicted
    networks: list[str]
    probabilities: npt.NDArray[np.float64]
    distances: npt.NDArray[np.float64]
    colour_distances: npt.NDArray[np.float64]


def see_images(
    predictor: OpenedPredictor, images: ImageStream, table: pd.DataFrame, batch_size: int
) -> Iterator[Seen]:
    """Show the images of a table to all networks, batch by batch, in one pass over the files.

    Args:
        predictor: the networks.
        images: gives the encoded files.
        table: one row an image, with `image`; one that can't be decoded is left out, and named in the log.
        batch_size: images at once.
    """
    *tiles, size, _, _ = predictor.image_shape
    pixels = StreamedPixels(images, size, 1.0, *tiles)
    batches = Batches(pixels, LabelledImages.without_labels(table), Order(batch_size))
    ids = table["image"].tolist()
    with progress("Predicting images", len(ids)) as advance, pixels.explain_failures(ids):
        for _, rows, batch, frames in batches.framed_epoch():
            told = [[_take_out(network) for network in fold] for fold in predictor.see(batch)]
            yield _join(predictor, rows, frames.numpy(), measure_colours(batch), told)
            advance(len(rows))


def _take_out(told: Mapping[str, tf.Tensor]) -> Told:
    return {name: tensor.numpy() for name, tensor in told.items()}


def _join(
    predictor: OpenedPredictor,
    rows: npt.NDArray[np.int64],
    frames: npt.NDArray[np.float32],
    colours: npt.NDArray[np.float32],
    told: Sequence[Sequence[Told]],
) -> Seen:
    networks = [network for fold in told for network in fold]
    embeddings = [np.concatenate([network["embeddings"] for network in fold], axis=1) for fold in told]
    probabilities = np.stack([_add_up_to_one(network["probabilities"]) for network in networks])
    attention = _average(networks, "attention")
    predicted = Predicted(
        rows=rows,
        probabilities=probabilities.mean(axis=0),
        embeddings=np.concatenate(embeddings, axis=1),
        colours=colours,
        frames=frame_parts(frames, attention),
        attention=attention,
        evidence=_average(networks, "evidence"),
    )
    measured = [
        fold.reference.measure(normalise(seen))
        for fold, seen in zip(predictor.folds, embeddings, strict=True)
    ]
    distances = np.repeat(measured, [len(fold.networks) for fold in predictor.folds], axis=0)
    names = [name for fold in predictor.folds for name in fold.networks]
    colour_distances = predictor.colours.measure(colours.astype(np.float64))
    return Seen(predicted, names, probabilities, distances, colour_distances)


def _average(networks: Sequence[Told], name: str) -> npt.NDArray[np.float32]:
    return np.asarray(np.mean([network[name] for network in networks], axis=0), np.float32)


def _add_up_to_one(probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    precise = probabilities.astype(np.float64)
    return np.asarray(precise / precise.sum(axis=1, keepdims=True))


def tabulate_networks(table: pd.DataFrame, seen: Sequence[Seen], classes: tuple[str, ...]) -> pd.DataFrame:
    """List what each network tells of each image.

    Args:
        table: one row an image, with `image`.
        seen: from `see_images`.
        classes: in order.

    Returns:
        One row for each readable image and network: `image`; `network`; `distance` from the images that it
        held out, from 1 on unlike them; `colour_distance` from all held-out ones; `probability_<class>`.
    """
    parts = [_list_networks(table, one, classes) for one in seen]
    if parts:
        return pd.concat(parts, ignore_index=True)
    numbers = ["distance", "colour_distance", *(f"probability_{name}" for name in classes)]
    return pd.DataFrame({"image": pd.Series(dtype=str), "network": pd.Series(dtype=str)}).reindex(
        columns=["image", "network", *numbers]
    )


def _list_networks(table: pd.DataFrame, seen: Seen, classes: tuple[str, ...]) -> pd.DataFrame:
    images = table["image"].to_numpy()[seen.predicted.rows]
    probabilities = seen.probabilities.swapaxes(0, 1).reshape(-1, len(classes))
    return pd.DataFrame(
        {
            "image": np.repeat(images, len(seen.networks)),
            "network": np.tile(seen.networks, len(images)),
            "distance": seen.distances.T.ravel(),
            "colour_distance": np.repeat(seen.colour_distances, len(seen.networks)),
            **{f"probability_{name}": probabilities[:, number] for number, name in enumerate(classes)},
        }
    )


def tabulate_parts(table: pd.DataFrame, seen: Sequence[Seen], classes: tuple[str, ...]) -> pd.DataFrame:
    """List the parts of each image and the mean evidence in them, see `tabulate_evidence`."""
    columns = ["image", *SIDES, "attention", *(f"evidence_{name}" for name in classes)]
    parts = [tabulate_evidence(table, one.predicted, classes) for one in seen]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
