"""What is plain to see of each image without a network: its size, its colours, how much tissue it holds."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

SIDE = 96
"""Longest side, in pixels, of the small copies that colours and hashes are taken from."""
TISSUE_DISTANCE = 30
"""So far from the background, in RGB space of 0 to 255, a colour is tissue's."""

MEASURES = ("width", "height", "hash", "red", "green", "blue", "tissue_share")


class ImageStream(Protocol):
    """A set of encoded images."""

    def stream(self, images: Sequence[str]) -> Iterator[Path]:
        """Give local copies of the encoded files in the order of the ids."""


def measure_files(images: Sequence[str], stream: ImageStream) -> pd.DataFrame:
    """Look at each image once, while it streams.

    Args:
        images: ids.
        stream: gives their files; those that are in its cache don't travel again.

    Returns:
        One row an image, in the order of `images`: `image`, `width` and `height` in pixels, `bytes` of the
        encoded file, `hash` (the perceptual hash, 64 bits as 16 hexadecimal digits), the means `red`,
        `green` and `blue` from 0 to 255, and `tissue_share` from 0 to 1. Of a file that can't be decoded
        only `image` and `bytes` are known.
    """
    rows = [
        {"image": image, "bytes": path.stat().st_size, **_measure(path)}
        for image, path in zip(images, stream.stream(images), strict=True)
    ]
    return pd.DataFrame(rows, columns=["image", "bytes", *MEASURES])


def _measure(path: Path) -> dict[str, Any]:
    import imagehash  # noqa: PLC0415  brings SciPy's signal processing along

    try:
        with Image.open(path) as file:
            width, height = file.size
            small = _shrink(file)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return {}
    pixels = np.asarray(small)
    red, green, blue = pixels.reshape(-1, 3).mean(axis=0).round(2)
    found = (width, height, str(imagehash.phash(small)), red, green, blue, find_tissue(pixels).mean())
    return dict(zip(MEASURES, found, strict=True))


def _shrink(file: Image.Image) -> Image.Image:
    file.draft("RGB", (SIDE, SIDE))  # JPEG decodes to a fraction of its size at a fraction of the cost
    small = file.convert("RGB")
    small.thumbnail((SIDE, SIDE), reducing_gap=2.0)
    return small


def find_tissue(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tell which pixels differ from the commonest colour of the border.

    Slides are not always white, so that rules of brightness and saturation mistake tinted ones for tissue.

    Args:
        pixels: (height, width, 3), RGB.

    Returns:
        (height, width).
    """
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    colours, counts = np.unique(border, axis=0, return_counts=True)
    distance = np.linalg.norm(pixels.astype(np.float32) - colours[counts.argmax()], axis=2)
    return np.asarray(distance > TISSUE_DISTANCE)
