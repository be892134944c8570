"""Where in an image its network found evidence for the class that it named, drawn over the image."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from mayo_kedro.pipelines.columns import Columns

Pixels = npt.NDArray[np.uint8]
Models = Mapping[str, Callable[[], Any]]

MAPPED_LAYERS = {"pool", "probabilities"}
OPACITY = 0.6
FOR, AGAINST = (178, 24, 43), (33, 102, 172)  # red and blue, which nearly everybody tells apart


class EncodedImages(Protocol):
    """A set of encoded images."""

    def stream(self, images: Sequence[str]) -> Iterator[Path]:
        """Give local copies of the encoded files in the order of the ids."""


def draw_evidence(
    cases: pd.DataFrame,
    thumbnails: Mapping[str, Pixels],
    models: Models,
    images: EncodedImages,
    columns: Columns,
) -> dict[str, Pixels]:
    """Draw the evidence over each case, found by the network that had not been trained with it.

    Args:
        cases: `image`, `predicted` and `fold`.
        thumbnails: the picture of each case, RGB.
        models: gives the network of each fold, by names such as `fold_0`; only what is needed is loaded.
        images: streams the cases.
        columns: names the classes.

    Returns:
        Tinted copies of the pictures, by image. Those are missing whose network does not tell where its
        evidence is.
    """
    drawn: dict[str, Pixels] = {}
    for fold, part in cases.groupby("fold"):
        load = models.get(f"fold_{fold}")
        network = load() if load else None
        if network is not None and _can_be_mapped(network):
            evidence = _find_fold(network, part, images, columns)
            drawn |= {image: lay_over(thumbnails[image], found) for image, found in evidence.items()}
    return drawn


def _can_be_mapped(network: Any) -> bool:
    return len(network.input_shape) == 4 and {layer.name for layer in network.layers} >= MAPPED_LAYERS


def _find_fold(
    network: Any, cases: pd.DataFrame, images: EncodedImages, columns: Columns
) -> dict[str, npt.NDArray[np.float32]]:
    # TensorFlow takes seconds to import, and Kedro imports this file for every command.
    from mayo_kedro.pipelines.modelling.attention_map import map_evidence  # noqa: PLC0415
    from mayo_kedro.pipelines.modelling.decoding import read_pixels  # noqa: PLC0415

    names = cases["image"].tolist()
    size = network.input_shape[1]
    pixels = np.stack([read_pixels(str(path), size).numpy() for path in images.stream(names)])
    maps = map_evidence(network, pixels)
    given = [columns.ordered_classes.index(label) for label in cases["predicted"]]
    return {name: found[:, :, number] for name, found, number in zip(names, maps, given, strict=True)}


def lay_over(picture: Pixels, evidence: npt.NDArray[np.floating[Any]]) -> Pixels:
    """Tint a picture by a coarse map: red where it speaks for the class, blue where against it.

    Args:
        picture: (height, width, 3), RGB; its own colours become grey.
        evidence: (rows, columns) over the whole picture; its largest number, without its sign, has the full
            colour.

    Returns:
        (height, width, 3), RGB.
    """
    strongest = np.abs(evidence).max() or 1.0
    coarse = Image.fromarray((evidence / strongest).astype(np.float32))
    height, width = picture.shape[:2]
    strength = np.clip(np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)), -1, 1)
    tint = np.where(strength[:, :, None] > 0, FOR, AGAINST)
    opacity = OPACITY * np.abs(strength)[:, :, None]
    grey = np.asarray(Image.fromarray(picture).convert("L"))[:, :, None]
    return np.asarray(np.rint(grey * (1 - opacity) + tint * opacity), np.uint8)
