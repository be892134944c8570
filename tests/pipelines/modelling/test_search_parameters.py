from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mayo_kedro.pipelines.modelling.parameters import Augmentation, ModellingParameters
from mayo_kedro.pipelines.modelling.search_parameters import NAMES, Range

RATE = {"low": 0.0001, "high": 0.01, "log": True}
SPACE = {
    "frozen_learning_rate": RATE,
    "unfreeze": [1, 2, "all"],
    "clip_norm": [None, 1.0],
    "class_weights": [True, False],
    "augmentation.hue": {"low": 0, "high": 0.1},
    "dropout": None,
}


def test_nothing_is_searched_unless_asked_for():
    assert ModellingParameters().search.trials == 0
    assert ModellingParameters(search={"space": SPACE}).search.trials == 0


def test_ranges_and_lists_stay_what_they_are_on_the_way_into_a_job():
    search = ModellingParameters(search={"trials": 3, "space": SPACE}).search
    assert list(search.searched) == [name for name in SPACE if name != "dropout"]
    assert search.searched["frozen_learning_rate"] == Range(low=0.0001, high=0.01, log=True)
    assert search.searched["unfreeze"] == (1, 2, "all")
    assert [type(value) for value in search.searched["class_weights"]] == [bool, bool]
    assert type(search)(**search.model_dump(mode="json")) == search


@pytest.mark.parametrize("name", NAMES)
def test_what_can_be_searched_are_settings(name):
    reduce(getattr, name.split("."), ModellingParameters())


def test_all_of_the_augmentation_can_be_searched():
    searched = {name.removeprefix("augmentation.") for name in NAMES if "." in name}
    assert searched == set(Augmentation.model_fields)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ({"trials": -1}, "search.trials"),
        ({"trials": 3}, "search.space has no range"),
        ({"trials": 3, "space": {"dropout": None}}, "search.space has no range"),
        ({"trails": 3}, "Extra inputs"),
        ({"space": {"seed": [1, 2]}}, "'seed' is not one of frozen_learning_rate, "),
        ({"space": {"image_size": [64, 128]}}, "'image_size' is not one of"),
        ({"space": {"augmentation.hues": [0, 0.1]}}, "'augmentation.hues' is not one of"),
        ({"space": {"dropout": 0.1}}, "search.space.dropout"),
        ({"space": {"dropout": [0.1]}}, "at least 2 items"),
        ({"space": {"dropout": {"low": 0}}}, "high"),
        ({"space": {"dropout": {"low": 0.3, "high": 0.2}}}, "low must be less than high"),
        ({"space": {"dropout": {"low": 0, "high": 0.2, "log": True}}}, "low must be greater than 0"),
        ({"space": {"dropout": {"low": 0, "high": 1}}}, "search.space.dropout would try 1.0: .*less than 1"),
        ({"space": {"weight_decay": {"low": float("nan"), "high": 1}}}, "finite"),
        (
            {"space": {"batch_size": {"low": 4, "high": 32}}},
            "search.space.batch_size would try .*valid integer",
        ),
        ({"space": {"unfreeze": [1, "most"]}}, "search.space.unfreeze would try 'most'"),
        ({"frozen_epochs": 0, "fine_tune_epochs": 0}, "a trial's epochs: .*nothing would be trained"),
    ],
)
def test_refuses(search, message):
    with pytest.raises(ValidationError, match=message):
        ModellingParameters(search=search)


def test_a_search_needs_patients_that_judge():
    with pytest.raises(ValidationError, match="validation_share is 0"):
        ModellingParameters(validation_share=0, search={"trials": 1, "space": SPACE})


def test_changed_settings_are_checked_and_search_no_more():
    parameters = ModellingParameters(search={"trials": 3, "space": SPACE})
    changed = parameters.with_settings({"dropout": 0.4, "augmentation.hue": 0.05})
    assert (changed.dropout, changed.augmentation.hue, changed.search.trials) == (0.4, 0.05, 0)
    assert changed.with_settings({"dropout": 0.2, "augmentation.hue": 0.02}) == ModellingParameters()
    with pytest.raises(ValidationError, match="dropout"):
        parameters.with_settings({"dropout": 1.5})


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6))
def test_no_range_suits_a_whole_number(low, width):
    inner = Range(low=low, high=low + width).examples[1]
    assert low < inner < low + width
    assert not inner.is_integer()
