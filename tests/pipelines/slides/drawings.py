"""Slides whose tissue is known."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyvips
from scipy import ndimage

from mayo_kedro.streaming.slides import Slide, list_slides

LILAC, GREEN, WHITE = (234, 216, 254), (196, 211, 192), (255, 255, 255)
TISSUE = (190, 80, 140)


def draw(
    height: int, width: int, background=WHITE, boxes=((0.3, 0.3, 0.4, 0.4),), seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels with textured boxes (top, left, height, width as shares), and where they are."""
    generator = np.random.default_rng(seed)
    mask = np.zeros((height, width), bool)
    for top, left, tall, wide in boxes:
        y, x = int(top * height), int(left * width)
        mask[y : y + int(tall * height), x : x + int(wide * width)] = True
    texture = ndimage.gaussian_filter(generator.normal(0, 60, (height, width)), 1.5)
    tissue = np.clip(np.array(TISSUE) + texture[..., np.newaxis], 0, 255)
    pixels = np.where(mask[..., np.newaxis], tissue, np.array(background)).astype(np.uint8)
    return pixels, mask


def write(path: Path, pixels: np.ndarray, **options) -> Path:
    """A TIFF in the container of the competition, unless the options say otherwise."""
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    usual = {"compression": "deflate", "tile": True, "tile_width": 128, "tile_height": 128, "bigtiff": True}
    image.tiffsave(str(path), **{**usual, **options})
    return path


def as_slide(path: Path) -> Slide:
    """The slide of this disk at a path."""
    from fsspec.implementations.local import LocalFileSystem

    [slide] = list_slides(LocalFileSystem(), str(path.parent), path.name, 0)
    return slide


@contextmanager
def opened(path: Path, whole: bool = True):
    with as_slide(path).open(whole) as file:
        yield file
