"""The cases as a figure: each image, and beside it where its network found evidence."""

import textwrap
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mayo_kedro.pipelines.reporting.cases.evidence import Pixels, draw_evidence
from mayo_kedro.pipelines.reporting.cases.most_wrong import Images, fetch_thumbnails
from mayo_kedro.pipelines.reporting.cases.selection import GROUPS
from mayo_kedro.pipelines.reporting.figures import style
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters

CELL_INCHES = 1.5
GAP_PIXELS = 4


class CasePicture(NamedTuple):
    """An image, and the same with the evidence for the class it was given.

    Attributes:
        plain: (height, width, 3), RGB.
        evidence: of the same size.
    """

    plain: Pixels
    evidence: Pixels


def picture_cases(
    cases: pd.DataFrame,
    evidence: pd.DataFrame,
    images: Images,
    recipe: str,
    parameters: ReportingParameters,
) -> dict[str, CasePicture]:
    """Fetch the cases, and draw their evidence over them.

    Args:
        cases: from `select_cases`.
        evidence: of all parts of the images, as the networks told it.
        images: streams the cases.
        recipe: that the networks were made by.
        parameters: how large the pictures are.
    """
    of_cases = dict(iter(evidence[evidence["image"].isin(cases["image"])].groupby("image")))
    pictures: dict[str, CasePicture] = {}
    for case, plain in zip(cases.itertuples(), fetch_thumbnails(cases, images, parameters), strict=True):
        image = str(case.image)
        pictures[image] = CasePicture(
            plain, draw_evidence(plain, of_cases[image], str(case.predicted), recipe)
        )
    return pictures


def draw_contact_sheet(cases: pd.DataFrame, pictures: Mapping[str, CasePicture], notice: str) -> Figure:
    """Draw a row for each group, each case beside its evidence.

    Args:
        cases: from `select_cases`.
        pictures: from `picture_cases`.
        notice: what the data are; written above all unless empty.
    """
    across = int(cases.groupby("group").size().max()) if len(cases) else 1
    size = (CELL_INCHES * 2 * across, (CELL_INCHES + 0.6) * len(GROUPS) + 0.5)
    figure, grid = style.start_figure(size, len(GROUPS), across)
    for row, group in zip(grid, GROUPS, strict=True):
        of_group = cases[cases["group"] == group].to_dict("records")
        for axes, case in zip_longest(row, of_group):
            if case is None:
                axes.set_axis_off()
            else:
                _show(axes, case, pictures[str(case["image"])])
    heading = " ".join(filter(None, [notice, "Red speaks for the class that was given, blue against it."]))
    figure.suptitle(textwrap.fill(heading, 110), fontsize=style.TEXT_POINTS, color="#8a3b00")
    return figure


def _show(axes: Axes, case: Mapping[Any, Any], picture: CasePicture) -> None:
    gap = np.full((len(picture.plain), GAP_PIXELS, 3), 255, np.uint8)
    axes.imshow(np.hstack([picture.plain, gap, picture.evidence]))
    given = f"{case['predicted']} ({case['probability_of_predicted']:.0%})"
    text = f"{case['group']}: {case['image']}\nis {case['label']}, given {given}"
    axes.set_title(text, fontsize=7, color=style.INK, loc="left")
    axes.grid(visible=False)
    # A frame shows where a white slide ends.
    axes.set(xticks=[], yticks=[], anchor="NW")
    axes.spines[:].set(visible=True, color=style.FAINT)
