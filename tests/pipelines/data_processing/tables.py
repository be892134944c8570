"""Label tables and image sets for the tests."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from mayo_kedro.pipelines.columns import Columns

COLUMNS = Columns(image="slide", patient="case", label="kind", classes=("blue", "red"), positive="blue")


@dataclass
class Folder:
    """A set of images in memory that notes which ones were asked for."""

    ids: frozenset[str]
    opened: list[str] = field(default_factory=list)

    def listed_ids(self) -> set[str]:
        return set(self.ids)

    def __getitem__(self, image: str) -> npt.NDArray[np.uint8]:
        self.opened.append(image)
        return np.full((20, 30, 3), 200, np.uint8)


def folder_of(ids: Iterable[str]) -> Folder:
    return Folder(frozenset(ids))


def label_table() -> pd.DataFrame:
    """Six rows of five patients, with ids that look like numbers, and a column nobody asks for."""
    return pd.DataFrame(
        {
            "place": ["1", "2", "1", "1", "3", "3"],
            "slide": ["006388_0", "006388_1", "2e3749_0", "c_0", "d_0", "e_0"],
            "case": ["006388", "006388", "2e3749", "c", "d", "e"],
            "kind": ["red", "red", "blue", "red", "blue", "red"],
        },
        index=[10, 11, 12, 13, 14, 15],
    )
