"""Which images to look at: right and wrong ones, at both ends of the network's confidence."""

import numpy as np
import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.scores.judged import average_seeds, probability_columns

GROUPS = ("sure and wrong", "sure and right", "unsure and wrong", "unsure and right")


def describe_answers(predictions: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Name what was given to each image.

    Args:
        predictions: one row a held-out image (and seed).
        columns: names the classes.

    Returns:
        image, patient, label, predicted, probability_of_label, probability_of_predicted and fold.
    """
    averaged = average_seeds(predictions, columns)
    probabilities = averaged[probability_columns(columns)].to_numpy(np.float64)
    best = probabilities.argmax(axis=1)
    rows = np.arange(len(averaged))
    return averaged[["image", "patient", "label"]].assign(
        predicted=np.array(columns.ordered_classes, dtype=object)[best],
        probability_of_label=probabilities[rows, averaged["int_labels"].to_numpy(np.int64)],
        probability_of_predicted=probabilities[rows, best],
        fold=averaged["fold"],
    )


def select_cases(predictions: pd.DataFrame, columns: Columns, each: int) -> pd.DataFrame:
    """Choose the surest and the least sure images, of those given the right class and of the others.

    Args:
        predictions: one row a held-out image (and seed).
        columns: names the classes.
        each: at most so many of each group. No image is in two groups: the surest ones come first.

    Returns:
        The columns of `describe_answers` and `group`, one of `GROUPS`, in their order.
    """
    answers = describe_answers(predictions, columns).sort_values(
        ["probability_of_predicted", "image"], ascending=[False, True]
    )
    right = answers["predicted"] == answers["label"]
    groups: dict[str, pd.DataFrame] = {}
    for outcome, of_outcome in {"wrong": answers[~right], "right": answers[right]}.items():
        groups[f"sure and {outcome}"] = of_outcome.head(each)
        groups[f"unsure and {outcome}"] = of_outcome.iloc[each:].tail(each).iloc[::-1]
    return pd.concat([groups[name].assign(group=name) for name in GROUPS], ignore_index=True)
