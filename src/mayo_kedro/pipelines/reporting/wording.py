"""The results in words, for a reader who knows patients and not machine learning."""

from collections.abc import Mapping, Sequence
from typing import Literal

from mayo_kedro.pipelines.columns import Columns

Numbers = Mapping[str, float]
Standing = Literal["better", "unclear", "worse"]

LOWER_IS_BETTER = frozenset({"weighted_log_loss", "brier_score"})
PERCENTAGES = frozenset({"accuracy", "balanced_accuracy"})
TITLES = {
    "auc": "AUC",
    "weighted_log_loss": "Weighted log loss",
    "balanced_accuracy": "Balanced accuracy",
    "accuracy": "Accuracy",
    "brier_score": "Brier score",
}
STANDINGS: dict[Standing, str] = {
    "better": "better",
    "unclear": "no clear difference",
    "worse": "worse",
}


def join_words(words: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def count_of(number: int, noun: str) -> str:
    """`1 patient`, `1,200 patients`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def name_task(columns: Columns) -> str:
    """What the model is to do, as a title."""
    classes = columns.ordered_classes
    if len(classes) == 2:
        return f"Telling {classes[1]} from {classes[0]}"
    return f"Telling {join_words(classes)} apart"


def is_better(metric: str, value: float, other: float) -> bool:
    """Tell whether a value is better than another."""
    return value < other if metric in LOWER_IS_BETTER else value > other


def compare(metrics: Numbers, name: str) -> Standing:
    """Tell whether the interval of the paired difference to the constant guess leaves out zero.

    Args:
        metrics: from `evaluate`.
        name: level and metric, such as "patient_auc".
    """
    low, high = metrics[f"{name}_difference_low"], metrics[f"{name}_difference_high"]
    return stand(name.split("_", 1)[1], low, high)


def stand(metric: str, low: float, high: float) -> Standing:
    """Tell whether the interval of a difference leaves out zero.

    Args:
        metric: says which way is better.
        low: of the interval; so is `high`.
        high: the other end.
    """
    if metric in LOWER_IS_BETTER:
        low, high = -high, -low
    if low > 0:
        return "better"
    return "worse" if high < 0 else "unclear"


def write_value(metric: str, value: float) -> str:
    """A metric's value as it is usually written."""
    return f"{value:.0%}" if metric in PERCENTAGES else f"{value:.3f}"
