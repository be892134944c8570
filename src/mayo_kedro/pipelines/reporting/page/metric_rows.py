"""Each metric beside a constant guess, as rows of a table."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.scores.metrics import METRICS
from mayo_kedro.pipelines.reporting.wording import (
    LOWER_IS_BETTER,
    STANDINGS,
    TITLES,
    Numbers,
    Standing,
    compare,
    write_value,
)


@dataclass(frozen=True)
class MetricRow:
    """A row of the table of metrics.

    Attributes:
        title: the metric's name.
        meaning: a sentence on what it tells.
        value: of the model, as text; so are `interval` and `constant`.
        interval: low to high.
        constant: of a constant guess.
        standing: how the model compares.
        reading: the same in words.
        places: low, value, high and constant between 0 and 100, for the little picture.
    """

    title: str
    meaning: str
    value: str
    interval: str
    constant: str
    standing: Standing
    reading: str
    places: tuple[float, float, float, float]


def describe_metrics(
    metrics: Numbers, level: Literal["patient", "image"], columns: Columns
) -> list[MetricRow]:
    """Put each metric beside the constant guess.

    Args:
        metrics: from `evaluate`.
        level: by patient or by image.
        columns: names the classes.
    """
    meanings = _explain_metrics(columns, level)
    return [_describe_metric(metrics, level, name, meanings[name]) for name in TITLES if name in METRICS]


def _describe_metric(metrics: Numbers, level: str, name: str, meaning: str) -> MetricRow:
    full = f"{level}_{name}"
    value, low, high, constant = (metrics[full + end] for end in ("", "_low", "_high", "_constant"))
    write = partial(write_value, name)
    longest = max(1.25 * high, 1.6 * constant) if name in LOWER_IS_BETTER else 1.0
    low_place, place, high_place, constant_place = (100 * x / longest for x in (low, value, high, constant))
    return MetricRow(
        title=TITLES[name],
        meaning=meaning,
        value=write(value),
        interval=f"{write(low)} to {write(high)}",
        constant=write(constant),
        standing=compare(metrics, full),
        reading=STANDINGS[compare(metrics, full)],
        places=(low_place, place, high_place, constant_place),
    )


def _explain_metrics(columns: Columns, level: str) -> dict[str, str]:
    classes = columns.ordered_classes
    judged = f"the probability of {classes[1]}" if len(classes) == 2 else "the probability of each class"
    return {
        "auc": f"How well {judged} ranks the {level}s. 0.5 is a coin toss, 1 is perfect.",
        "weighted_log_loss": "How far the probabilities are from the truth, every class counting the same. "
        "Sure mistakes cost most. 0 is perfect; the guess gives each class the same probability.",
        "balanced_accuracy": f"Share of {level}s given the right class, averaged over the classes.",
        "accuracy": f"Share of {level}s given the right class. It flatters: the guess always names the "
        "commonest class.",
        "brier_score": "Mean squared distance of the probabilities to the truth. 0 is perfect; the guess "
        "gives each class its share.",
    }
