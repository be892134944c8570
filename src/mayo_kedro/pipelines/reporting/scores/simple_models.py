"""The simplest model there is, on a few plain numbers: what a network that sees images has to beat."""

from typing import Any

import numpy as np
import numpy.typing as npt

from mayo_kedro.pipelines.reporting.scores.metrics import Floats, Labels


def cross_validate(features: Floats, labels: Labels, folds: npt.NDArray[np.int64], classes: int) -> Floats:
    """Predict each row by a logistic regression that was fitted to the rows of the other folds.

    The classes count alike in the fit, as they do in the weighted log loss.

    Args:
        features: (rows, numbers); what is not known is NaN, and taken to be the median.
        labels: (rows,), the numbers of the classes.
        folds: (rows,), the fold of each row.
        classes: how many there are.

    Returns:
        (rows, classes): probabilities. Where the other folds hold one class only, nothing can be learnt
        and all are the same.
    """
    probabilities = np.full((len(labels), classes), 1 / classes)
    for fold in np.unique(folds):
        held_out = folds == fold
        known = np.unique(labels[~held_out])
        if len(known) > 1:
            fitted = _fit(features[~held_out], labels[~held_out])
            probabilities[held_out] = 0
            probabilities[np.ix_(held_out, known)] = fitted.predict_proba(features[held_out])
    return probabilities


def _fit(features: Floats, labels: Labels) -> Any:
    # Half a second to import, which only a run of this pipeline should pay.
    from sklearn.impute import SimpleImputer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    model = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(class_weight="balanced", max_iter=1000),
    )
    return model.fit(features, labels)
