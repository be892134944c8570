"""Slides to measure with."""

from pathlib import Path

import numpy as np

from mayo_kedro.sandbox.clot import draw_slide, draw_stain
from mayo_kedro.sandbox.slides import write_slide


def draw_slides(folder: Path, count: int, sides: tuple[int, int]) -> None:
    """Write slides of which each side is drawn between two lengths.

    Args:
        folder: where to write; made if it does not exist.
        count: how many.
        sides: the least and the greatest length in pixels.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(6)
    for number in range(count):
        width, height = (int(side) for side in generator.integers(*sides, size=2, endpoint=True))
        drawing = draw_slide(generator, 0.5, draw_stain(generator))
        write_slide(folder / f"slide_{number:02d}.tif", drawing, width, height)
