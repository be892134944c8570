"""The networks of a predictor, in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import tensorflow as tf

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.ensemble import find_members
from mayo_kedro.pipelines.modelling.evidence import open_network
from mayo_kedro.pipelines.prediction.likeness import Reference, make_reference, normalise
from mayo_kedro.pipelines.prediction.parameters import PredictionParameters
from mayo_kedro.predictor import Predictor


@dataclass(frozen=True)
class Fold:
    """The networks that held out the same fold.

    Attributes:
        networks: names, one for each seed.
        reference: the features that the networks find in the fold's images.
    """

    networks: list[str]
    reference: Reference


@dataclass(frozen=True)
class OpenedPredictor:
    """A predictor whose networks are in memory.

    Attributes:
        folds: one for each held-out fold.
        see: from uint8 images to what `open_network` tells of them, of each network of each fold.
        colours: of the images of all folds.
        classes: in order.
        image_shape: of what the networks take of an image: (size, size, 3) or (tiles, size, size, 3).
    """

    folds: list[Fold]
    see: Callable[[tf.Tensor], list[list[Mapping[str, tf.Tensor]]]]
    colours: Reference
    classes: tuple[str, ...]
    image_shape: tuple[int, ...]


def open_predictor(predictor: Predictor, parameters: PredictionParameters) -> OpenedPredictor:
    """Load the networks, and learn from the held-out images how far an image usually is.

    Args:
        predictor: the files of the networks, and their held-out images.
        parameters: what counts as far.

    Raises:
        UserError: the networks are not of one training.
    """
    networks = {
        name: keras.saving.load_model(path, compile=False) for name, path in predictor.networks.items()
    }
    _require_alike(networks, predictor.classes)
    held_out = dict(iter(predictor.embeddings.groupby("fold")))
    # Two measures can refuse: each may err half as often.
    quantile = 1 - (1 - parameters.quantile) / 2
    folds = []
    for name, network in networks.items():
        images = held_out[int(name.removeprefix("fold_"))]
        features = normalise(_select(images, "feature"))
        reference = make_reference(features, images["patient"], parameters.nearest, quantile)
        folds.append(Fold(_name_members(name, network), reference))
    colours = _select(predictor.embeddings, "colour")
    return OpenedPredictor(
        folds,
        _see_with(list(networks.values())),
        make_reference(colours, predictor.embeddings["patient"], parameters.nearest, quantile),
        predictor.classes,
        next(iter(networks.values())).input_shape[1:],
    )


def _select(embeddings: pd.DataFrame, kind: str) -> npt.NDArray[np.float64]:
    return embeddings.filter(regex=rf"^{kind}_\d+$").to_numpy(np.float64)


def _require_alike(networks: Mapping[str, keras.Model], classes: tuple[str, ...]) -> None:
    shapes = {name: (network.input_shape[1:], network.output_shape[-1]) for name, network in networks.items()}
    expected = (next(iter(shapes.values()))[0], len(classes))
    for name, shape in shapes.items():
        if shape != expected:
            raise UserError(
                f"The network {name} turns {_write_shape(shape[0])} into {shape[1]} classes; expected were "
                f"{_write_shape(expected[0])} and {expected[1]} classes ({', '.join(classes)}).",
                "Networks of different trainings can't predict together: run the modelling pipeline again.",
            )


def _write_shape(shape: tuple[int, ...]) -> str:
    return " by ".join(map(str, shape))


def _name_members(name: str, network: keras.Model) -> list[str]:
    return [f"{name}_{member.name}" for member in find_members(network)] or [name]


def _see_with(networks: list[keras.Model]) -> Callable[[tf.Tensor], list[list[Mapping[str, tf.Tensor]]]]:
    """All networks as one function: TensorFlow traces it once, and runs them side by side."""
    opened = [[open_network(one) for one in find_members(network) or [network]] for network in networks]

    def see(images: tf.Tensor) -> list[list[Mapping[str, tf.Tensor]]]:
        return [[network(images, training=False) for network in fold] for fold in opened]

    signature = [tf.TensorSpec((None, *networks[0].input_shape[1:]), tf.uint8)]
    return tf.function(see, input_signature=signature)  # type: ignore[no-any-return]
