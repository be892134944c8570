"""The results in words, for a reader who knows patients and not machine learning."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.metrics import METRICS

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
    "better": "better than the guess",
    "unclear": "no clear difference",
    "worse": "worse than the guess",
}


@dataclass(frozen=True)
class Verdict:
    """The answer that stands above all.

    Attributes:
        tone: "good", "unclear" or "bad"; decides the colour.
        headline: the answer.
        sentences: what it rests on.
    """

    tone: Literal["good", "unclear", "bad"]
    headline: str
    sentences: tuple[str, ...]


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


def compare(metrics: Numbers, name: str) -> Standing:
    """Tell whether the interval of the paired difference to the constant guess leaves out zero.

    Args:
        metrics: from `evaluate`.
        name: level and metric, such as "patient_auc".
    """
    low, high = metrics[f"{name}_difference_low"], metrics[f"{name}_difference_high"]
    if name.split("_", 1)[1] in LOWER_IS_BETTER:
        low, high = -high, -low
    if low > 0:
        return "better"
    return "worse" if high < 0 else "unclear"


def reach_verdict(metrics: Numbers, columns: Columns, confidence: float, leaks: bool) -> Verdict:
    """Say whether the model beats a constant guess.

    Args:
        metrics: from `evaluate`.
        columns: names the classes.
        confidence: of the intervals.
        leaks: patients are on both sides of the split.
    """
    order, probabilities = compare(metrics, "patient_auc"), compare(metrics, "patient_weighted_log_loss")
    sentences = (
        _tell_order(metrics, columns, confidence),
        _tell_probabilities(metrics, confidence),
        f"It was judged on {count_of(int(metrics['patients']), 'patient')} "
        f"({count_of(int(metrics['images']), 'image')}) that its training had not seen.",
        "Better than a guess is not the same as good enough for a decision about a patient.",
    )
    if leaks:
        leaking = "Some patients are in both training and evaluation, so the numbers below may be too good."
        return Verdict("bad", "This evaluation can't be trusted.", (leaking, *sentences[:2]))
    match order, probabilities:
        case "better", "better":
            return Verdict("good", "Yes: the model does better than a constant guess.", sentences)
        case "better", _:
            headline = (
                "In part: it ranks patients better than chance, but its probabilities are no better than"
            )
            return Verdict("unclear", f"{headline} a constant guess.", sentences)
        case _, "better":
            headline = (
                "In part: its probabilities beat a constant guess, but it does not clearly rank patients"
            )
            return Verdict("unclear", f"{headline} better than chance.", sentences)
    return Verdict("bad", "No: the model is not shown to do better than a constant guess.", sentences)


def _tell_order(metrics: Numbers, columns: Columns, confidence: float) -> str:
    value, low, high = (metrics[f"patient_auc{end}"] for end in ("", "_low", "_high"))
    classes = columns.ordered_classes
    if len(classes) == 2:
        task = f"Of two patients, one with {classes[1]} and one with {classes[0]}, it gives the higher "
        task += f"probability of {classes[1]} to the right one"
    else:
        task = "Of two patients, one of a class and one of another, it gives the higher probability of that "
        task += "class to the right one (mean over the classes)"
    interval = f"{confidence:.0%} interval {low:.0%} to {high:.0%}"
    return f"{task} in {value:.0%} of the cases ({interval}; a coin toss: 50%)."


def _tell_probabilities(metrics: Numbers, confidence: float) -> str:
    name = "patient_weighted_log_loss"
    value, low, high, constant = (metrics[name + end] for end in ("", "_low", "_high", "_constant"))
    return (
        f"Its probabilities have a weighted log loss of {value:.3f} ({confidence:.0%} interval {low:.3f} to "
        f"{high:.3f}); a constant guess has {constant:.3f}. Lower is better."
    )


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
    write = "{:.0%}".format if name in PERCENTAGES else "{:.3f}".format
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
