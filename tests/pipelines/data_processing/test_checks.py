"""Each mistake in a label table is refused with a message that names rows and the setting to change."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.data_processing.nodes import check_labels
from mayo_kedro.pipelines.data_processing.parameters import DataProcessingParameters

from .tables import COLUMNS, folder_of, label_table

Change = Callable[[pd.DataFrame], pd.DataFrame]
STRICT = DataProcessingParameters()
FILES = folder_of(label_table()["slide"])


def changed(column: str, values: dict[int, str]) -> Change:
    """Make a function that sets some fields, counting rows from 0."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        table.iloc[list(values), table.columns.get_loc(column)] = list(values.values())
        return table

    return change


def refusal(table: pd.DataFrame, columns: Columns = COLUMNS) -> UserError:
    with pytest.raises(UserError) as caught:
        check_labels(table, FILES, columns, STRICT)
    assert len(str(caught.value).splitlines()) == 2
    return caught.value


def test_good_table_keeps_rows_in_order_under_the_projects_names() -> None:
    checked = check_labels(label_table(), FILES, COLUMNS, STRICT)
    assert checked.columns.tolist() == ["image", "patient", "label"]
    assert checked["image"].tolist() == ["006388_0", "006388_1", "2e3749_0", "c_0", "d_0", "e_0"]
    assert checked["patient"].tolist() == ["006388", "006388", "2e3749", "c", "d", "e"]
    assert checked["label"].tolist() == ["red", "red", "blue", "red", "blue", "red"]


def test_one_column_may_be_image_and_patient() -> None:
    columns = COLUMNS.model_copy(update={"patient": "slide"})
    checked = check_labels(label_table(), FILES, columns, STRICT)
    assert checked["patient"].tolist() == checked["image"].tolist()


def test_names_with_a_space_inside_or_from_other_alphabets_are_fine() -> None:
    names = ["Präparat 1", "切片 2", "s.3", "s-4", "s+5", "s_6"]
    table = label_table().assign(slide=names)
    assert check_labels(table, folder_of(names), COLUMNS, STRICT)["image"].tolist() == names


@pytest.mark.parametrize(
    ("change", "what", "remedy"),
    [
        pytest.param(
            changed("kind", {1: "green", 4: ""}),
            "In the label table column 'kind' has classes other than 'blue', 'red': "
            "line 3 'green', line 6 ''.",
            "Mend those rows, or set columns.label and columns.classes in globals.yml of conf/base or "
            "conf/ENV.",
            id="unknown label",
        ),
        pytest.param(
            changed("slide", {3: "d_0"}),
            "In the label table column 'slide' has ids more than once: line 5 'd_0', line 6 'd_0'; "
            "column 'slide' has no row for 1 image file ('c_0').",
            "Keep one row an image, or set columns.image in globals.yml of conf/base or conf/ENV. "
            "Add the rows; or, if "
            "those images belong to another set, set data_processing.unlabelled_images to ignore in "
            "conf/base/parameters_data_processing.yml.",
            id="duplicate",
        ),
        pytest.param(
            changed("slide", {0: ""}),
            "In the label table column 'slide' has empty ids: line 2 ''.",
            "Fill the ids in, or delete those rows.",
            id="empty image",
        ),
        pytest.param(
            changed("slide", {0: " a", 2: "x/y", 3: "x\\y", 5: "x\ty"}),
            "In the label table column 'slide' has ids that no file can have (spaces at an end, slashes or "
            "control characters): line 2 ' a', line 4 'x/y', line 5 'x\\\\y' and 1 more.",
            "Mend those ids, or set columns.image in globals.yml of conf/base or conf/ENV: "
            "an id is the file's name without its suffix.",
            id="unreadable image",
        ),
        pytest.param(
            changed("case", {5: ""}),
            "In the label table column 'case' has empty ids: line 7 ''.",
            "Fill the patients in, or delete those rows.",
            id="empty patient",
        ),
        pytest.param(
            changed("case", {5: "e "}),
            "In the label table column 'case' has ids with control characters or with spaces at an end: "
            "line 7 'e '.",
            "Mend those ids: a patient written in two ways would be two patients.",
            id="unreadable patient",
        ),
        pytest.param(
            lambda table: table.assign(case="c"),
            "In the label table column 'case' has one patient only.",
            "Add patients, or set columns.patient in globals.yml of conf/base or conf/ENV: "
            "a split needs patients on both sides.",
            id="one patient",
        ),
        pytest.param(
            lambda table: table.assign(kind="red"),
            "In the label table column 'kind' has no row of class 'blue'.",
            "Add images of that class, or set columns.classes in globals.yml of conf/base or conf/ENV.",
            id="one class",
        ),
        pytest.param(
            lambda table: table.iloc[:-2],
            "In the label table column 'slide' has no row for 2 image files ('d_0', 'e_0').",
            "Add the rows; or, if those images belong to another set, set data_processing.unlabelled_images "
            "to ignore in conf/base/parameters_data_processing.yml.",
            id="images without a row",
        ),
        pytest.param(
            lambda table: pd.concat([table, table.assign(slide=[f"new_{row}" for row in range(6)])]),
            "In the label table column 'slide' has ids without an image file: "
            "line 8 'new_0', line 9 'new_1', line 10 'new_2' and 3 more.",
            "Check columns.image, images.folder and images.suffix in globals.yml of conf/base or conf/ENV, "
            "or delete those rows.",
            id="rows without an image",
        ),
        pytest.param(
            lambda table: table.rename(columns={"slide": "Slides"}),
            "The label table has no column 'slide'; it has 'place', 'Slides', 'case', 'kind'.",
            "Set columns.image in globals.yml of conf/base or conf/ENV, perhaps to 'Slides'.",
            id="misspelt column",
        ),
        pytest.param(
            lambda table: table[["slide", "case"]],
            "The label table has no column 'kind'; it has 'slide', 'case'.",
            "Set columns.label in globals.yml of conf/base or conf/ENV.",
            id="missing column",
        ),
        pytest.param(
            lambda table: table.iloc[:0],
            "The label table has no rows.",
            "Add one for each image, or set images.table in globals.yml of conf/base or conf/ENV.",
            id="no rows",
        ),
        pytest.param(
            lambda table: table.assign(case=range(6)),
            "Column 'case' of the label table was not read as text, so ids like 006388 are damaged.",
            "Keep `dtype: str` in the load_args of label_table in conf/base/catalog_sources.yml.",
            id="numbers",
        ),
        pytest.param(
            lambda table: table.assign(case=[*table["case"][:-1], np.nan]),
            "In the label table column 'case' has empty ids: line 7 ''.",
            "Fill the patients in, or delete those rows.",
            id="line that ends early",
        ),
    ],
)
def test_refused(change: Change, what: str, remedy: str) -> None:
    error = refusal(change(label_table()))
    assert error.what == what
    assert error.remedy == remedy


def test_several_mistakes_are_told_at_once_and_in_two_lines() -> None:
    table = label_table().assign(slide="", case="", kind="green")
    assert refusal(table).what == (
        "In the label table column 'slide' has empty ids: line 2 '', line 3 '', line 4 '' and 3 more; "
        "column 'case' has empty ids: line 2 '', line 3 '', line 4 '' and 3 more; "
        "and 2 other kinds of mistake."
    )


def test_empty_class_of_three_is_named() -> None:
    three = Columns(image="slide", patient="case", label="kind", classes=("blue", "red", "green"))
    assert "no row of class 'green'" in refusal(label_table(), three).what


def test_images_without_a_row_may_be_ignored_but_not_in_silence(caplog: pytest.LogCaptureFixture) -> None:
    lenient = DataProcessingParameters(unlabelled_images="ignore")
    checked = check_labels(label_table().iloc[:-2], FILES, COLUMNS, lenient)
    assert checked["image"].tolist() == ["006388_0", "006388_1", "2e3749_0", "c_0"]
    assert "2 image files have no row in the label table and are ignored" in caplog.text


def test_rows_without_an_image_are_refused_even_where_images_without_a_row_are_ignored() -> None:
    lenient = DataProcessingParameters(unlabelled_images="ignore")
    with pytest.raises(UserError, match="has ids without an image file: line 7 'e_0'"):
        check_labels(label_table(), folder_of([*label_table()["slide"][:-1], "other"]), COLUMNS, lenient)


WITH_CENTRE = COLUMNS.model_copy(update={"centre": "place"})


def test_the_centre_is_taken_along_where_it_is_named() -> None:
    checked = check_labels(label_table(), FILES, WITH_CENTRE, STRICT)
    assert checked["centre"].tolist() == ["1", "2", "1", "1", "3", "3"]


def test_a_centre_without_a_name_is_refused() -> None:
    refused = refusal(changed("place", {2: "", 3: "1 "})(label_table()), WITH_CENTRE)
    assert "column 'place' has empty names" in refused.what
    assert "line 4 ''" in refused.what
    assert "columns.centre to null" in refused.remedy


def test_a_missing_column_of_centres_is_refused() -> None:
    refused = refusal(label_table(), COLUMNS.model_copy(update={"centre": "hospital"}))
    assert "no column 'hospital'" in refused.what
    assert "columns.centre" in refused.remedy
