import pytest
from pydantic import ValidationError

from mayo_kedro.pipelines.columns import Columns

NAMES = {"image": "photo", "patient": "tree", "label": "species"}


def test_the_positive_class_comes_last_and_the_others_keep_their_order():
    two = Columns(**NAMES, classes=("LAA", "CE"), positive="LAA")
    three = Columns(**NAMES, classes=("oak", "ash", "fir"))
    assert two.ordered_classes == ("CE", "LAA")
    assert three.ordered_classes == ("oak", "ash", "fir")


@pytest.mark.parametrize(
    ("classes", "positive", "problem"),
    [
        (("a",), "a", "two or more different classes"),
        (("a", "a", "b"), None, "two or more different classes"),
        (("a", "b"), "c", "'c', which is not in columns.classes"),
        (("a", "b"), None, "must name one of the two"),
        (("a", "b", "c"), "a", "leave it null"),
    ],
)
def test_classes_that_make_no_sense_are_refused(classes, positive, problem):
    with pytest.raises(ValidationError, match=problem):
        Columns(**NAMES, classes=classes, positive=positive)
