"""Probabilities that can be taken at their word, fitted within the training folds."""

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

Floats = npt.NDArray[np.float64]

FLOOR = 1e-7
"""Below this a probability counts as this."""

TEMPERATURES = np.geomspace(0.05, 20, 241).tolist()
"""What is tried, in steps of 2.5 %: far finer than validation patients can tell apart."""


@dataclass(frozen=True)
class Correction:
    """A change of the logarithms of the probabilities before they are made to add up to 1 again.

    Attributes:
        kernel: they are multiplied with it, (classes, classes).
        bias: added to them, (classes,).
    """

    kernel: Floats
    bias: Floats

    def apply(self, probabilities: Floats) -> Floats:
        """Correct probabilities (rows, classes)."""
        scores = np.log(np.maximum(probabilities, FLOOR)) @ self.kernel + self.bias
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def undo_prior(shares: Floats) -> Correction:
    """Divide by the shares that the classes had in training, so that all of them are as likely beforehand.

    Args:
        shares: of the classes, (classes,), none of them 0.
    """
    return Correction(np.eye(len(shares)), -np.log(shares))


def fit_temperature(probabilities: Floats, labels: npt.NDArray[np.int64], weights: Floats) -> Correction:
    """Make all probabilities more or less sure by the one power that gives the least log loss.

    Args:
        probabilities: (rows, classes).
        labels: (rows,).
        weights: of the rows, (rows,).
    """
    classes = probabilities.shape[1]

    def correct(temperature: float) -> Correction:
        return Correction(np.eye(classes) / temperature, np.zeros(classes))

    def loss(temperature: float) -> float:
        corrected = correct(temperature).apply(probabilities)
        return float(log_loss(labels, corrected, sample_weight=weights, labels=range(classes)))

    return correct(min(TEMPERATURES, key=loss))


def fit_platt(probabilities: Floats, labels: npt.NDArray[np.int64], weights: Floats) -> Correction:
    """Fit a logistic regression to the logarithms of the probabilities, see `fit_temperature`."""
    scores = np.log(np.maximum(probabilities, FLOOR))
    model = LogisticRegression(max_iter=1000).fit(scores, labels, sample_weight=weights)
    kernel, bias = model.coef_.T, model.intercept_
    if kernel.shape[1] == 1:  # of two classes it scores the second alone
        kernel, bias = np.hstack([np.zeros_like(kernel), kernel]), np.array([0.0, bias[0]])
    return Correction(kernel, bias)


def correct_network(network: keras.Model, correction: Correction) -> keras.Model:
    """Put a correction behind a network, in Keras' own layers."""
    logarithms = keras.ops.log(keras.ops.maximum(network.output, FLOOR))
    layer = keras.layers.Dense(len(correction.bias), activation="softmax", dtype="float32", name="calibrated")
    corrected = keras.Model(network.input, layer(logarithms), name=network.name)
    layer.set_weights([correction.kernel, correction.bias])
    return corrected
