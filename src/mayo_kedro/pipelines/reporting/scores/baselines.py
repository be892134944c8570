"""What needs no network, for a result to be held against: constant answers, and the size of the image."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.scores.judged import (
    Judged,
    count_classes,
    judge_images,
    judge_patients,
    probability_columns,
)
from mayo_kedro.pipelines.reporting.scores.metrics import Floats
from mayo_kedro.pipelines.reporting.scores.simple_models import cross_validate

BASELINES: Mapping[str, str] = MappingProxyType(
    {
        "even": "the same probability for each class",
        "prior": "each class's share of the patients",
        "majority": "always the commonest class",
        "size": "logistic regression on the image's size alone",
    }
)


def answer_constantly(judged: Judged, shares: Floats) -> dict[str, Floats]:
    """Give every row the same probabilities.

    Args:
        judged: the rows to answer for.
        shares: (classes,), each class's share of the whole table.

    Returns:
        (rows, classes) for each of "even", "prior" and "majority".
    """
    classes = len(shares)
    answers = {
        "even": np.full(classes, 1 / classes),
        "prior": shares,
        "majority": np.eye(classes)[shares.argmax()],
    }
    return {name: np.tile(answer, (len(judged.labels), 1)) for name, answer in answers.items()}


def share_classes(splits: pd.DataFrame, columns: Columns, level: str) -> Floats:
    """Each class's share of the table, (classes,).

    Args:
        splits: one row an image.
        columns: names the classes.
        level: "patient" or "image": what is counted. A patient with images of several classes counts for
            the commonest of them.
    """
    patients, _ = pd.factorize(splits["patient"])
    votes = count_classes(patients, splits["int_labels"].to_numpy(np.int64), len(columns.classes))
    counts = votes.sum(axis=0)
    if level == "patient":
        counts = np.bincount(votes.argmax(axis=1), minlength=len(columns.classes))
    return np.asarray(counts / counts.sum())


def guess_by_size(
    predictions: pd.DataFrame, splits: pd.DataFrame, image_facts: pd.DataFrame, columns: Columns
) -> Floats:
    """Predict each judged patient from the width and height of the images, with the network's own folds.

    Args:
        predictions: one row a held-out image.
        splits: every image with its fold.
        image_facts: the sizes of these images.
        columns: names the classes.

    Returns:
        (patients, classes), in the order of `judge_patients`.
    """
    sizes = splits[["image"]].merge(image_facts, on="image", how="left")[["width", "height"]]
    features = np.log(sizes.to_numpy(np.float64))
    labels, folds = (splits[name].to_numpy(np.int64) for name in ("int_labels", "fold"))
    guesses = pd.DataFrame(
        cross_validate(features, labels, folds, len(columns.classes)),
        index=splits["image"],
        columns=probability_columns(columns),
    )
    guessed = predictions.drop(columns=guesses.columns).merge(guesses, left_on="image", right_index=True)
    return judge_patients(judge_images(guessed, columns), columns).probabilities
