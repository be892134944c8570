"""What columns are taken for."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.commands.setup.guesses import (
    guess_centre,
    guess_image,
    guess_label,
    guess_patient,
    guess_positive,
)

COMPETITION = pd.DataFrame(
    {
        "image_id": ["006388_0", "008e5c_0", "008e5c_1", "00c058_0"],
        "center_id": ["11", "11", "11", "4"],
        "patient_id": ["006388", "008e5c", "008e5c", "00c058"],
        "image_num": ["0", "0", "1", "0"],
        "label": ["CE", "CE", "CE", "LAA"],
    }
)


def test_the_competitions_columns_are_known():
    names = [f"{image}.png" for image in COMPETITION["image_id"]]
    image = guess_image(COMPETITION, names, ".png")
    assert (image.column, image.has_suffix, image.matches) == ("image_id", False, 4)
    label = guess_label(COMPETITION, ["image_id"])
    centre = guess_centre(COMPETITION, ["image_id", label])
    assert (label, centre) == ("label", "center_id")
    assert guess_patient(COMPETITION, "image_id", [label, centre]) == "patient_id"
    assert guess_positive(COMPETITION["label"]) == "LAA"


@pytest.mark.parametrize("written", ["", ".jpg"])
def test_names_that_say_nothing_are_guessed_by_their_values(written):
    kinds = ["ash"] * 6 + ["oak"] * 3
    shots = [(f"{tree}-{shot}", str(tree), kinds[tree]) for tree in range(9) for shot in "ab"]
    table = pd.DataFrame(shots, columns=["a", "b", "c"])
    files = [f"{name}.jpg" for name in table["a"]]
    table["a"] += written
    image = guess_image(table, files, ".jpg")
    assert (image.column, image.has_suffix) == ("a", bool(written))
    assert guess_label(table, ["a"]) == "c"
    assert guess_patient(table, "a", ["c"]) == "b"
    assert guess_centre(table, ["a", "c"]) is None
    assert guess_positive(table["c"]) == "oak"


def test_where_nothing_repeats_each_image_is_a_patient():
    table = pd.DataFrame({"file": ["1", "2", "3"], "age": ["30", "40", "50"], "kind": ["x", "y", "x"]})
    assert guess_patient(table, "file", ["kind"]) == "file"


def test_without_a_fitting_column_there_is_no_guess():
    table = pd.DataFrame({"one": ["a", "b"], "same": ["s", "s"]})
    assert guess_image(table, ["c.png"], ".png") is None
    assert guess_label(table, ["one"]) is None
    assert guess_positive(pd.Series(["a", "b", "c"])) is None


@given(
    st.lists(st.text("abc019", min_size=1), min_size=2, max_size=12, unique=True),
    st.integers(0, 3),
    st.randoms(use_true_random=False),
)
def test_the_column_of_the_files_is_found_among_others(names, others, draw):
    columns = {f"other{number}": [f"!{draw.random()}" for _ in names] for number in range(others)}
    table = pd.DataFrame({**columns, "files": draw.sample(names, len(names))})
    assert guess_image(table, [f"{name}.png" for name in names], ".png").column == "files"
