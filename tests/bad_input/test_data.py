"""Mistakes in the table and the folder."""

import pytest

from tests.bad_input.cases import one_of_a_kind

CASES = {
    "unknown path": (
        {"images": {"table": "nowhere.csv"}},
        (),
        {},
        r"'nowhere\.csv' is not in.*\n.*globals\.yml",
    ),
    "unknown image folder": (
        {"images": {"folder": "nowhere"}},
        (),
        {},
        r"'nowhere' is not in.*\n.*globals\.yml",
    ),
    "missing column": (
        {"images": {"table": "no_label.csv"}},
        (),
        {},
        r"column 'label'.*(\n.*)?columns\.label",
    ),
    "row without an image": ({"images": {"table": "absent_image.csv"}}, (), {}, r"absent_0"),
    "an empty class": ({"images": {"table": "one_class.csv"}}, (), {}, r"LAA"),
    "one patient only": ({"images": {"table": "one_patient.csv"}}, (), {}, r"patient"),
}


@pytest.mark.parametrize(
    ("settings", "arguments", "variables", "expected"), one_of_a_kind(CASES, "missing column")
)
def test_a_mistake_is_told_in_words(assert_told, settings, arguments, variables, expected):
    assert_told(settings, arguments, variables, expected)
