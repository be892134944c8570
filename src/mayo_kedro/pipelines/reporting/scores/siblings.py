"""How much of what was judged the training had nearly seen: other images of the same patient."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.scores.judged import average_seeds, probability_columns


@dataclass(frozen=True)
class Siblings:
    """The judged images, those apart of whose patient the training had another image.

    Attributes:
        images: how many were judged.
        with_sibling: how many of them have a sibling in the training.
        accuracy_with: share of these given the right class; NaN if there are none.
        accuracy_without: share of the others; NaN if there are none.
    """

    images: int
    with_sibling: int
    accuracy_with: float
    accuracy_without: float


def count_siblings(predictions: pd.DataFrame, splits: pd.DataFrame, columns: Columns) -> Siblings:
    """Look for the patients of the judged images in the folds that trained for them.

    Args:
        predictions: one row a held-out image (and seed).
        splits: every image with patient and fold.
        columns: names the classes.
    """
    judged = average_seeds(predictions, columns)
    folds_of = splits.groupby("patient")["fold"].agg(set).reindex(judged["patient"])
    seen = np.array(
        [bool(folds - {fold}) for folds, fold in zip(folds_of, judged["fold"], strict=True)], bool
    )
    best = judged[probability_columns(columns)].to_numpy(np.float64).argmax(axis=1)
    hits = best == judged["int_labels"].to_numpy(np.int64)
    return Siblings(len(judged), int(seen.sum()), _share(hits[seen]), _share(hits[~seen]))


def _share(hits: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> float:
    return float(hits.mean()) if len(hits) else float("nan")
