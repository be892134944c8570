"""What does not fit is told in words."""

import pandas as pd
import pytest

from mayo_kedro.commands.checks.finding import Level
from mayo_kedro.commands.setup.fit import DataSet, examine
from mayo_kedro.commands.setup.holdings import ImageFolder
from mayo_kedro.pipelines.columns import Columns

COLUMNS = Columns(image="id", patient="who", label="kind", classes=("a", "b"), positive="b")


def make_folder(names, folder="scans", suffix=".png"):
    return ImageFolder(folder, suffix, len(names), 0, frozenset(f"{name}{suffix}" for name in names))


@pytest.fixture
def rows():
    """Fifty images of fifty patients, of two classes."""
    numbers = [f"{number:03d}" for number in range(50)]
    kinds = ["a", "b"] * 25
    return pd.DataFrame({"id": [f"x{one}" for one in numbers], "who": numbers, "kind": kinds})


def findings(table, names, columns=COLUMNS, others=()):
    data = DataSet(table, columns, make_folder(names), ".png", others)
    return {found.subject: found for found in examine(data, folds=5)}


def test_nothing_is_wrong_with_what_fits(rows):
    found = findings(rows, rows["id"])
    assert {subject: one.level for subject, one in found.items()} == {"Rows": Level.OK, "Patients": Level.OK}


def test_rows_without_an_image_are_wrong(rows):
    found = findings(rows, rows["id"][2:])
    assert found["Rows"].level is Level.WRONG
    assert found["Rows"].said == "2 of 50 name no image ('x000', 'x001')"
    assert "--image-column" in found["Rows"].remedy
    assert "Table" not in found


def test_images_in_another_folder_are_named(rows):
    found = findings(rows, rows["id"][:40], others=[make_folder(rows["id"][40:], "more", ".jpg")])
    assert "more has 10 of them as *.jpg" in found["Rows"].remedy


def test_lost_zeros_are_recognised(rows):
    found = findings(rows.assign(id=rows["who"].str.lstrip("0").replace("", "0")), rows["who"])
    assert "Zeros at the front were lost" in found["Rows"].remedy


@pytest.mark.parametrize(("prefix", "warned"), [("0", True), ("2e", True), ("x", False), ("3", False)])
def test_ids_that_look_like_numbers_are_warned_of(rows, prefix, warned):
    ids = prefix + rows["who"]
    found = findings(rows.assign(id=ids), ids)
    assert ("Ids" in found) == warned
    assert not warned or found["Ids"].level is Level.WARNING


def test_images_without_a_row_are_counted(rows):
    found = findings(rows, [*rows["id"], "y", "z"])
    assert found["Images"].level is Level.WARNING
    assert found["Images"].said == "2 of 52 have no row ('y', 'z')"


def test_mistakes_in_rows_are_told_by_line(rows):
    found = findings(rows.assign(who=rows["who"].where(rows.index != 7, "")), rows["id"])
    assert found["Table"].level is Level.WRONG
    assert "line 9" in found["Table"].said


@pytest.mark.parametrize(
    ("patients", "level", "folds", "said"),
    [
        (1, Level.WRONG, 2, "both sides"),
        (3, Level.WARNING, 3, "3 folds instead of 5"),
        (9, Level.WARNING, 5, "will say little"),
        (20, Level.OK, 5, "at least 20"),
    ],
)
def test_few_patients_of_a_class_mean_fewer_folds_or_none(rows, patients, level, folds, said):
    table = rows[(rows["kind"] == "a") | (rows["who"].astype(int) < 2 * patients)].reset_index(drop=True)
    found = findings(table, table["id"])
    assert found["Patients"].level is level
    assert said in found["Patients"].said
    assert DataSet(table, COLUMNS, make_folder(table["id"]), ".png").choose_folds(5) == folds


def test_images_that_are_patients_of_their_own_are_told(rows):
    data = DataSet(rows, COLUMNS.model_copy(update={"patient": "id"}), make_folder(rows["id"]), ".png")
    assert any("patient of its own" in found.said for found in examine(data, folds=5))
