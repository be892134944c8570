"""The images whose class the model got most wrong."""

import textwrap
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.cases.selection import describe_answers
from mayo_kedro.pipelines.reporting.figures import style
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters

Pixels = npt.NDArray[np.uint8]

ACROSS = 4
CELL_INCHES = 2.3


class Images(Protocol):
    """What is asked of a set of images."""

    def __getitem__(self, image: str) -> Pixels:
        """One image, RGB of shape (height, width, 3)."""


def select_most_wrong(
    predictions: pd.DataFrame, columns: Columns, parameters: ReportingParameters
) -> pd.DataFrame:
    """Choose the images that were given another class, the surest mistakes first.

    Args:
        predictions: one row a held-out image.
        columns: names the classes.
        parameters: how many.

    Returns:
        image, patient, label, predicted, probability_of_label, probability_of_predicted and fold;
        no rows if every image was given its class.
    """
    answers = describe_answers(predictions, columns)
    wrong = answers[answers["predicted"] != answers["label"]]
    ordered: pd.DataFrame = wrong.sort_values(["probability_of_label", "image"])
    return ordered.head(parameters.most_wrong).reset_index(drop=True)


def shrink(pixels: Pixels, longest: int) -> Pixels:
    """Average squares of pixels so that the longest side is at most about `longest`.

    Args:
        pixels: (height, width, 3).
        longest: pixels; the result may be up to twice as small, never larger.

    Returns:
        A copy, so that the large array can be freed.
    """
    factor = -(-max(pixels.shape[:2]) // longest)
    # A side shorter than a square stays one pixel long.
    tall, wide = min(factor, pixels.shape[0]), min(factor, pixels.shape[1])
    height, width = pixels.shape[0] // tall, pixels.shape[1] // wide
    blocks = pixels[: height * tall, : width * wide].reshape(height, tall, width, wide, -1)
    return np.asarray(np.rint(blocks.mean(axis=(1, 3))), dtype=np.uint8)


def draw_most_wrong(most_wrong: pd.DataFrame, thumbnails: list[Pixels], notice: str) -> Figure:
    """Show the most misjudged images with id, true class and what the model gave.

    Args:
        most_wrong: from `select_most_wrong`.
        thumbnails: their pictures, in the same order.
        notice: what the data are; written above all unless empty.
    """
    down = max(1, -(-len(most_wrong) // ACROSS))
    size = (CELL_INCHES * ACROSS, (CELL_INCHES + 0.55) * down + 0.5)
    figure, grid = style.start_figure(size, down, ACROSS)
    for axes in grid.flat:
        axes.set_axis_off()
    cells = zip(grid.flat, most_wrong.itertuples(), thumbnails, strict=False)
    for axes, case, pixels in cells:
        axes.imshow(pixels)
        text = f"{case.image}\nis {case.label}, given {case.predicted} ({case.probability_of_predicted:.0%})"
        axes.set_title(text, fontsize=style.SMALL_POINTS, color=style.INK)
    heading = notice or "The most wrong images"
    if most_wrong.empty:
        heading = f"No image was given a wrong class. {notice}"
    figure.suptitle(textwrap.fill(heading, 100), fontsize=style.TEXT_POINTS, color="#8a3b00")
    return figure


def fetch_thumbnails(
    most_wrong: pd.DataFrame, images: Images, parameters: ReportingParameters
) -> list[Pixels]:
    """Fetch the images one at a time and keep each small.

    Args:
        most_wrong: from `select_most_wrong`.
        images: by id.
        parameters: how small.
    """
    return [shrink(images[image], parameters.thumbnail_pixels) for image in most_wrong["image"]]
