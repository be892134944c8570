"""Mistakes in images, weights and settings of the training."""

import pytest

from tests.bad_input.cases import one_of_a_kind

# The damaged repository holds damaged weights only, and weights are looked at before any image.
FROM_SCRATCH = ("--params", "modelling.weights=null")

CASES = {
    "truncated image": ({"images": {"folder": "images_truncated"}}, FROM_SCRATCH, {}, r"cannot be decoded"),
    "text named .png": ({"images": {"folder": "images_text"}}, FROM_SCRATCH, {}, r"cannot be decoded"),
    "zero-byte weights": (
        {},
        ("--params", "modelling.weights=empty.h5"),
        {},
        r"empty\.h5.*(\n.*)?modelling\.",
    ),
    "weights of another architecture": (
        {},
        ("--params", "modelling.weights=other.h5"),
        {},
        r"other\.h5.*(\n.*)?modelling\.",
    ),
    "unknown pipeline": ({}, ("--pipeline", "trainig"), {}, r"no pipeline 'trainig'(.|\n)*registry list"),
    "misspelt group": ({}, ("--params", "modeling.folds=0"), {}, r"no parameter 'modeling'(.|\n)*modelling"),
    "misspelt parameter": ({}, ("--params", "modelling.epoch=3"), {}, r"modelling(.|\n)*epoch"),
    "negative epochs": ({}, ("--params", "modelling.frozen_epochs=-1"), {}, r"modelling(.|\n)*frozen_epochs"),
}


@pytest.mark.parametrize(
    ("settings", "arguments", "variables", "expected"),
    one_of_a_kind(CASES, "truncated image", "misspelt parameter"),
)
def test_a_mistake_is_told_in_words(assert_told, settings, arguments, variables, expected):
    assert_told(settings, arguments, variables, expected)
