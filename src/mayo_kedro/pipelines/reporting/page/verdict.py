"""The answer that stands above all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.wording import Numbers, compare, count_of, stand


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


def reach_verdict(metrics: Numbers, columns: Columns, confidence: float, voided: Sequence[str]) -> Verdict:
    """Say whether the model beats a constant guess.

    Args:
        metrics: from `evaluate`.
        columns: names the classes.
        confidence: of the intervals.
        voided: what was found that takes the numbers their meaning; empty if nothing was.
    """
    order, probabilities = compare(metrics, "patient_auc"), compare(metrics, "patient_weighted_log_loss")
    sentences = (
        _tell_order(metrics, columns, confidence),
        _tell_probabilities(metrics, confidence),
        _tell_size(metrics),
        f"It was judged on {count_of(int(metrics['patients']), 'patient')} "
        f"({count_of(int(metrics['images']), 'image')}) that its training had not seen.",
        "Better than a guess is not the same as good enough for a decision about a patient.",
    )
    if voided:
        found = (*(f"{title}." for title in voided), "The numbers below may be too good: see the alarms.")
        return Verdict("bad", "This evaluation can't be trusted.", (*found, *sentences[:2]))
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


def _tell_size(metrics: Numbers) -> str:
    name = "patient_auc"
    standing = stand("auc", metrics[f"{name}_over_size_low"], metrics[f"{name}_over_size_high"])
    size = f"the image's size alone (AUC {metrics[f'{name}_size']:.2f})"
    if standing == "better":
        return f"It ranks patients better than {size} does."
    return f"It is not shown to rank patients better than {size} does."
