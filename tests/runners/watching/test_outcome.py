"""A traceback from a job is cut down to the user's own part of it."""

import traceback

import pytest
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline, node
from kedro.runner import SequentialRunner

from mayo_kedro.runners.watching.outcome import shorten


def look_up(numbers):
    return numbers[7]


def raise_plainly(number):
    return look_up([number])


def raise_from_another(number):
    try:
        return look_up([number])
    except IndexError as error:
        raise ValueError(f"no number for {number}\nnor for another") from error


def run_and_fail(function) -> str:
    catalog = DataCatalog()
    catalog["number"] = 1
    with pytest.raises((IndexError, ValueError)) as raised:
        SequentialRunner().run(Pipeline([node(function, "number", "result")]), catalog)
    return "".join(traceback.format_exception(raised.value))


def list_functions(text: str) -> list[str]:
    return [line.rpartition(" in ")[2] for line in text.splitlines() if line.startswith("  File ")]


def test_it_begins_at_the_nodes_function():
    whole = run_and_fail(raise_plainly)
    short = shorten(whole)
    assert list_functions(short) == ["raise_plainly", "look_up"]
    assert short.startswith("Traceback (most recent call last):\n  File ")
    assert short.endswith("IndexError: list index out of range")
    assert len(list_functions(whole)) > 5


def test_causes_stay():
    short = shorten(run_and_fail(raise_from_another))
    assert list_functions(short) == ["raise_from_another", "look_up", "raise_from_another"]
    assert "IndexError: list index out of range" in short
    assert "The above exception was the direct cause of the following exception:" in short
    assert short.endswith("ValueError: no number for 1\nnor for another")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no traceback at all",
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\nKeyError: 1',
    ],
)
def test_what_came_from_no_node_stays_whole(text):
    assert shorten(text) == text
