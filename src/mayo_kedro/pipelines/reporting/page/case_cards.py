"""Single images for the page, in groups."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from mayo_kedro.pipelines.reporting.cases.contact_sheet import CasePicture
from mayo_kedro.pipelines.reporting.cases.selection import GROUPS
from mayo_kedro.pipelines.reporting.figures.style import embed_pixels

READING = {
    "whole_image": "The squares are coarse, and say where, not why.",
    "tiles": "Framed are the tiles that the network was shown, the darker the more it attended to them; it "
    "did not see the rest of the image. They say where, not why.",
}
"""How to read the evidence, by the recipe of the network."""


@dataclass(frozen=True)
class CaseCard:
    """An image with what is told of it.

    Attributes:
        image: its id; so is `patient`.
        patient: its patient's.
        label: the true class.
        predicted: the class it was given, with `probability`.
        probability: as text.
        address: of the picture itself.
        evidence: of the picture with its evidence.
    """

    image: str
    patient: str
    label: str
    predicted: str
    probability: str
    address: str
    evidence: str


def show_cases(cases: pd.DataFrame, pictures: Mapping[str, CasePicture]) -> dict[str, list[CaseCard]]:
    """Put the cases beside their pictures, by group.

    Args:
        cases: from `select_cases`.
        pictures: from `picture_cases`.
    """
    rows = cases.to_dict("records")
    return {
        group: [_make_card(row, pictures[row["image"]]) for row in rows if row["group"] == group]
        for group in GROUPS
    }


def _make_card(row: Mapping[Any, Any], picture: CasePicture) -> CaseCard:
    return CaseCard(
        image=str(row["image"]),
        patient=str(row["patient"]),
        label=str(row["label"]),
        predicted=str(row["predicted"]),
        probability=f"{row['probability_of_predicted']:.0%}",
        address=embed_pixels(picture.plain),
        evidence=embed_pixels(picture.evidence),
    )
