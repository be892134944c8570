"""Where on a slide there is tissue."""

import numpy as np
import numpy.typing as npt

from mayo_kedro.pipelines.slides.parameters import TissueParameters

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Colour = tuple[int, int, int]

BORDER_SHARE = 0.02
TEXTURE_WINDOW = 5
COLOUR_STEP = 8  # nearly equal colours count as one


def find_background(border: Pixels) -> Colour:
    """The most common colour of some pixels.

    Args:
        border: RGB, last axis of length 3; usually the pixels along a slide's edges.
    """
    pixels = border.reshape(-1, 3)
    kinds = (pixels // COLOUR_STEP) @ np.array([1 << 16, 1 << 8, 1])
    values, counts = np.unique(kinds, return_counts=True)
    red, green, blue = np.median(pixels[kinds == values[counts.argmax()]], axis=0)
    return int(red), int(green), int(blue)


def take_border(pixels: Pixels) -> Pixels:
    """The pixels along the edges of an image, of shape (pixels, 3)."""
    width = max(1, round(BORDER_SHARE * min(pixels.shape[:2])))
    sides = (pixels[:width], pixels[-width:], pixels[:, :width], pixels[:, -width:])
    return np.concatenate([side.reshape(-1, 3) for side in sides])


def find_tissue(pixels: Pixels, background: Colour, parameters: TissueParameters) -> Mask:
    """Mark what differs from the background, has texture and is no speck.

    The distance from the slide's own background holds on white, lilac and green slides alike, where
    rules for grey or saturation fail.

    Args:
        pixels: RGB of shape (height, width, 3).
        background: see `find_background`.
        parameters: the limits.

    Returns:
        Of shape (height, width).
    """
    # Kedro imports this file for every command, and SciPy takes a third of a second.
    from scipy import ndimage  # noqa: PLC0415

    differs = is_coloured(pixels, background, parameters.distance)
    pieces, count = ndimage.label(differs)
    if count == 0:
        return differs
    sizes = np.bincount(pieces.ravel(), minlength=count + 1)
    rough = np.bincount(pieces.ravel(), weights=_is_rough(pixels, parameters.texture).ravel())
    kept = (sizes >= parameters.smallest_share * differs.size) & (rough >= sizes / 2)
    kept[0] = False
    tissue: Mask = kept[pieces]
    return tissue


def is_coloured(pixels: Pixels, background: Colour, distance: float) -> Mask:
    """Mark the pixels that are further from the background than `distance`, in RGB of 0 to 255."""
    difference = pixels.astype(np.float32) - np.asarray(background, np.float32)
    coloured: Mask = np.einsum("...c,...c->...", difference, difference) > distance**2
    return coloured


def _is_rough(pixels: Pixels, texture: float) -> Mask:
    from scipy import ndimage  # noqa: PLC0415

    grey = pixels.mean(axis=-1, dtype=np.float32)
    mean = ndimage.uniform_filter(grey, TEXTURE_WINDOW)
    variance = ndimage.uniform_filter(grey**2, TEXTURE_WINDOW) - mean**2
    rough: Mask = variance >= texture**2
    return rough
