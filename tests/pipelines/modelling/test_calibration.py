import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from mayo_kedro.pipelines.modelling.batches import balanced_weights
from mayo_kedro.pipelines.modelling.calibration import (
    Correction,
    correct_network,
    fit_platt,
    fit_temperature,
    undo_prior,
)


def draw(classes: int, sureness: float, rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Draw labels, and probabilities that are `sureness` times as sure as they should be."""
    generator = np.random.default_rng(0)
    scores = generator.normal(0, 1.5, (rows, classes))
    true = Correction(np.eye(classes), np.zeros(classes)).apply(np.exp(scores))
    labels = (generator.random((rows, 1)) > true.cumsum(axis=1)[:, :-1]).sum(axis=1)
    told = np.exp(sureness * scores)
    return told / told.sum(axis=1, keepdims=True), labels


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("sureness", [0.4, 1.0, 3.0])
def test_too_sure_probabilities_are_made_less_sure(classes, sureness):
    probabilities, labels = draw(classes, sureness)
    correction = fit_temperature(probabilities, labels, np.ones(len(labels)))
    assert correction.kernel[0, 0] == pytest.approx(1 / sureness, rel=0.1)
    corrected = correction.apply(probabilities)
    assert (corrected.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert log_loss(labels, corrected) <= log_loss(labels, probabilities) + 1e-3


@pytest.mark.parametrize("classes", [2, 3])
def test_a_regression_mends_a_shift_as_well(classes):
    probabilities, labels = draw(classes, 2.0)
    shifted = Correction(np.eye(classes), np.arange(classes) * 1.0).apply(probabilities)
    weights = balanced_weights(labels).astype(np.float64)
    corrected = fit_platt(shifted, labels, weights).apply(shifted)
    best = fit_temperature(probabilities, labels, weights).apply(probabilities)
    loss = log_loss(labels, corrected, sample_weight=weights)
    assert loss == pytest.approx(log_loss(labels, best, sample_weight=weights), abs=0.01)
    assert loss < log_loss(labels, shifted, sample_weight=weights) - 0.1


@given(
    st.lists(st.floats(0.05, 1), min_size=2, max_size=4), st.lists(st.floats(0.05, 1), min_size=4, max_size=4)
)
def test_undoing_the_prior_is_bayes_rule(shares, evidence):
    """Probabilities that follow from a prior and evidence become those of the evidence alone."""
    prior = np.array(shares) / sum(shares)
    likelihood = np.array(evidence[: len(shares)])
    posterior = prior * likelihood / (prior * likelihood).sum()
    corrected = undo_prior(prior).apply(posterior[None])[0]
    np.testing.assert_allclose(corrected, likelihood / likelihood.sum(), rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_corrected_network_predicts_what_was_corrected(classes, tmp_path):
    generator = np.random.default_rng(1)
    correction = Correction(generator.normal(size=(classes, classes)), generator.normal(size=classes))
    images = keras.Input((4, 4, 3), dtype="uint8")
    pooled = keras.layers.GlobalAveragePooling2D(name="pool")(keras.layers.Rescaling(1 / 255)(images))
    network = keras.Model(images, keras.layers.Dense(classes, activation="softmax")(pooled))
    correct_network(network, correction).save(tmp_path / "corrected.keras")
    corrected = keras.saving.load_model(tmp_path / "corrected.keras")
    pixels = generator.integers(0, 256, (5, 4, 4, 3)).astype(np.uint8)
    expected = correction.apply(np.asarray(network(pixels), np.float64))
    np.testing.assert_allclose(np.asarray(corrected(pixels)), expected, atol=1e-6)
    assert corrected.get_layer("pool") is not None
