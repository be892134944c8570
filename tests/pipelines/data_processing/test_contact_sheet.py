"""The contact sheet shows a few streamed images of each class, with the data's notice."""

import pandas as pd

from mayo_kedro.pipelines.data_processing.nodes import draw_contact_sheet, label_classes
from mayo_kedro.pipelines.data_processing.parameters import DataProcessingParameters

from .tables import COLUMNS, folder_of

PARAMETERS = DataProcessingParameters.model_validate({"contact_sheet": {"images_per_class": 3, "seed": 4}})
IDS = [f"{label}_{number}" for label in ("red", "blue") for number in range(9)]
TABLE = label_classes(pd.DataFrame({"image": IDS, "label": [name.split("_")[0] for name in IDS]}), COLUMNS)


def test_shows_the_asked_number_of_each_class_and_opens_no_other_image() -> None:
    folder = folder_of(IDS)
    figure = draw_contact_sheet(TABLE, folder, COLUMNS, PARAMETERS, {"notice": "Synthetic slides"})
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [f"{name.split('_')[0]}\n{name}" for name in folder.opened]
    assert [title.split("\n")[0] for title in titles] == ["red"] * 3 + ["blue"] * 3
    assert len(set(folder.opened)) == 6
    assert figure.get_suptitle() == "Synthetic slides"


def test_the_seed_decides_which() -> None:
    first, again, other = folder_of(IDS), folder_of(IDS), folder_of(IDS)
    another_seed = DataProcessingParameters.model_validate(
        {"contact_sheet": {"images_per_class": 3, "seed": 5}}
    )
    draw_contact_sheet(TABLE, first, COLUMNS, PARAMETERS, {"notice": ""})
    draw_contact_sheet(TABLE, again, COLUMNS, PARAMETERS, {"notice": ""})
    draw_contact_sheet(TABLE, other, COLUMNS, another_seed, {"notice": ""})
    assert first.opened == again.opened != other.opened


def test_small_class_leaves_cells_empty() -> None:
    figure = draw_contact_sheet(TABLE.iloc[[0, 9, 10]], folder_of(IDS), COLUMNS, PARAMETERS, {"notice": ""})
    assert [len(axes.images) for axes in figure.axes] == [1, 0, 0, 1, 1, 0]
