"""What the accuracy of a random split of images is worth, in words and numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.scores.baselines import share_classes
from mayo_kedro.pipelines.reporting.scores.siblings import Siblings, count_siblings
from mayo_kedro.pipelines.reporting.wording import count_of


@dataclass(frozen=True)
class Worth:
    """An accuracy put in its place.

    Attributes:
        headline: what it comes to.
        sentences: why.
    """

    headline: str
    sentences: tuple[str, ...]


def weigh_accuracy(
    metrics: Mapping[str, float], siblings: Siblings, commonest: str, confidence: float
) -> Worth:
    """Hold the accuracy by image against naming the commonest class, and look for siblings in the training.

    Args:
        metrics: from `evaluate`.
        siblings: from `count_siblings`.
        commonest: the class that most images have.
        confidence: of the intervals.
    """
    value, guess = metrics["image_accuracy"], metrics["image_accuracy_majority"]
    above, low, high = (metrics[f"image_accuracy_over_majority{end}"] for end in ("", "_low", "_high"))
    error = math.sqrt(value * (1 - value) / siblings.images)
    better = "not shown to be better than" if low <= 0 else "better than"
    headline = f"The accuracy of {value:.1%} is {better} always naming {commonest}"
    headline += ", and part of it is memory." if siblings.with_sibling else "."
    return Worth(
        headline,
        (
            f"Of {count_of(siblings.images, 'held-out image')}, {value:.1%} were given the right class. For "
            f"so many the standard error alone is {100 * error:.1f} points.",
            f"Always naming {commonest}, without looking, has {guess:.1%}. The network is {100 * above:+.1f} "
            f"points from that ({confidence:.0%} interval {100 * low:+.1f} to {100 * high:+.1f}).",
            _tell_siblings(siblings),
            "An accuracy says nothing of how sure the answers are, and flatters the commonest class: "
            f"balanced over the classes it is {metrics['image_balanced_accuracy']:.1%}, where a guess has "
            f"{metrics['image_balanced_accuracy_majority']:.0%}.",
            "To measure what the network would do for a new patient, set data_processing.split.method to "
            "by_patient, and quote the AUC and the weighted log loss by patient.",
        ),
    )


def weigh_random_split(
    metrics: Mapping[str, float],
    predictions: pd.DataFrame,
    splits: pd.DataFrame,
    method: str,
    columns: Columns,
    confidence: float,
) -> Worth | None:
    """Weigh the accuracy of a random split of images; None for other splits.

    Args:
        metrics: from `evaluate`.
        predictions: one row a held-out image (and seed).
        splits: every image with its fold.
        method: of the split.
        columns: names the classes.
        confidence: of the intervals.
    """
    if method != "random":
        return None
    shares = share_classes(splits, columns, "image")
    siblings = count_siblings(predictions, splits, columns)
    return weigh_accuracy(metrics, siblings, columns.ordered_classes[int(shares.argmax())], confidence)


def _tell_siblings(siblings: Siblings) -> str:
    if not siblings.with_sibling:
        return "No held-out image has another image of its patient in the training."
    share = siblings.with_sibling / siblings.images
    told = (
        f"{siblings.with_sibling} of the held-out images ({share:.0%}) have another image of the same "
        f"patient in the training. Of these the network gets {siblings.accuracy_with:.1%} right"
    )
    if siblings.with_sibling < siblings.images:
        told += f", of the others {siblings.accuracy_without:.1%}"
    return told + "."
