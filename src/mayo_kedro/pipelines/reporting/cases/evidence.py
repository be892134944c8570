"""Where in an image its network found evidence for the class that it named, drawn over the image."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image, ImageDraw

Pixels = npt.NDArray[np.uint8]

OPACITY = 0.6
FAINTEST_FRAME = 0.25
FOR, AGAINST = (178, 24, 43), (33, 102, 172)  # red and blue, which nearly everybody tells apart


def draw_evidence(picture: Pixels, parts: pd.DataFrame, label: str, recipe: str) -> Pixels:
    """Tint a picture: red where the network saw evidence for a class, blue where against it.

    Args:
        picture: (height, width, 3), RGB; its own colours become grey.
        parts: rows of `evidence` that are of this image.
        label: the class.
        recipe: "whole_image", whose parts cover the image, or "tiles".

    Returns:
        (height, width, 3), RGB.
    """
    ordered = parts.sort_values(["top", "left"])
    evidence = ordered[f"evidence_{label}"].to_numpy()
    if recipe == "tiles":
        return frame_tiles(picture, ordered, evidence)
    return lay_over(picture, evidence.reshape(ordered["top"].nunique(), -1))


def lay_over(picture: Pixels, evidence: npt.NDArray[np.floating[Any]]) -> Pixels:
    """Tint a picture by a coarse map.

    Args:
        picture: (height, width, 3), RGB.
        evidence: (rows, columns) over the whole picture; its largest number, without its sign, has the full
            colour.
    """
    height, width = picture.shape[:2]
    coarse = Image.fromarray(_scale(evidence))
    return _tint(picture, np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)))


def frame_tiles(picture: Pixels, parts: pd.DataFrame, evidence: npt.NDArray[np.floating[Any]]) -> Pixels:
    """Tint the tiles of a picture, and frame them: the darker, the more attention they got.

    Args:
        picture: (height, width, 3), RGB.
        parts: `left`, `top`, `right`, `bottom` in shares, and `attention`; a tile without a place, which is
            not of the image, is left out.
        evidence: of the parts.
    """
    height, width = picture.shape[:2]
    placed = parts["left"].notna().to_numpy()
    shares = parts.loc[placed, ["left", "top", "right", "bottom"]].clip(0, 1).to_numpy()
    boxes = np.rint(shares * [width, height, width, height]).astype(int)
    strength = np.zeros((height, width), np.float32)
    for (left, top, right, bottom), share in zip(boxes, _scale(evidence)[placed], strict=True):
        strength[top:bottom, left:right] = share
    framed = Image.fromarray(_tint(picture, strength))
    draw = ImageDraw.Draw(framed, "RGBA")
    attention = parts.loc[placed, "attention"] / parts["attention"].max()
    for (left, top, right, bottom), share in zip(boxes.tolist(), attention, strict=True):
        ink = (0, 0, 0, round(255 * (FAINTEST_FRAME + (1 - FAINTEST_FRAME) * share)))
        draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=ink)
    return np.asarray(framed)


def _scale(evidence: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    strongest = np.abs(evidence).max() or 1.0
    return (evidence / strongest).astype(np.float32)


def _tint(picture: Pixels, strength: npt.NDArray[np.float32]) -> Pixels:
    """Mix grey with red or blue by a strength from -1 to 1, (height, width)."""
    clipped = np.clip(strength, -1, 1)[:, :, None]
    tint = np.where(clipped > 0, FOR, AGAINST)
    opacity = OPACITY * np.abs(clipped)
    grey = np.asarray(Image.fromarray(picture).convert("L"))[:, :, None]
    return np.asarray(np.rint(grey * (1 - opacity) + tint * opacity), np.uint8)
