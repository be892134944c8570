import keras
import numpy as np
import pytest

from mayo_kedro.pipelines.modelling.devices import open_devices
from mayo_kedro.pipelines.modelling.epochs import Stage
from mayo_kedro.pipelines.modelling.optimizer import make_optimizer, schedule_learning_rate
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters
from mayo_kedro.pipelines.modelling.steps import Steps


@pytest.fixture
def network() -> keras.Model:
    keras.utils.set_random_seed(3)
    images = keras.Input((2, 2, 3), dtype="uint8")
    pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(images))
    return keras.Model(images, keras.layers.Dense(2, activation="softmax", bias_initializer="ones")(pooled))


def make_steps(network, **settings) -> Steps:
    devices = open_devices("auto")
    stage = Stage("frozen", 1, 0.1)
    optimizer = make_optimizer(ModellingParameters(**settings), stage, network, 4, devices)
    return Steps(network, optimizer, devices)


def batch(rows: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(rows)
    images = generator.integers(0, 256, (rows, 2, 2, 3)).astype(np.uint8)
    return images, np.arange(rows) % 2, generator.random(rows).astype(np.float32)


def test_a_step_is_what_keras_itself_would_do(network):
    images, labels, weights = batch()
    theirs = keras.models.clone_model(network)
    theirs.set_weights(network.get_weights())
    theirs.compile(keras.optimizers.Adam(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    steps = make_steps(network)
    for _ in range(3):
        expected = theirs.train_on_batch(images, labels, weights, return_dict=True)
        outcome = steps.train(images, labels, weights)
        assert outcome.images == 6
        assert outcome.loss == pytest.approx(expected["loss"], rel=1e-5)
        assert outcome.accuracy == pytest.approx(expected["accuracy"])
    for mine, other in zip(network.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-5)
    expected = theirs.test_on_batch(images, labels, weights, return_dict=True)
    assert steps.test(images, labels, weights).loss == pytest.approx(expected["loss"], rel=1e-5)


def test_weight_decay_shrinks_weights_but_not_biases(network):
    images, labels, weights = batch()
    kernel, bias = network.get_weights()
    make_steps(network, weight_decay=0.5).train(images, labels, 0 * weights)
    np.testing.assert_allclose(network.get_weights()[0], kernel * (1 - 0.1 * 0.5), rtol=1e-6)
    np.testing.assert_array_equal(network.get_weights()[1], bias)


def test_accumulated_batches_make_the_step_of_one_large_batch(network):
    images, labels, weights = batch(8)
    twin = keras.models.clone_model(network)
    twin.set_weights(network.get_weights())
    make_steps(twin).train(images, labels, weights)
    steps = make_steps(network, accumulate=2)
    before = network.get_weights()
    steps.train(images[:4], labels[:4], weights[:4])
    np.testing.assert_array_equal(network.get_weights()[0], before[0])
    steps.train(images[4:], labels[4:], weights[4:])
    for mine, other in zip(network.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4)


def test_gradients_are_clipped_together(network):
    """Adam forgets a gradient's size at its first step, but its first moment does not."""
    images, labels, weights = batch()
    for limit in (1e-3, 1e9):
        steps = make_steps(network, clip_norm=limit)
        steps.train(images, labels, weights)
        moments = [np.asarray(v.value) for v in steps.optimizer.variables if "momentum" in v.path]
        norm = np.sqrt(sum((moment**2).sum() for moment in moments)) / 0.1
        assert norm == pytest.approx(1e-3, rel=1e-3) if limit == 1e-3 else norm > 1e-2


def test_rate_rises_over_an_epoch_and_then_falls_to_nothing():
    schedule = schedule_learning_rate(Stage("fine_tune", 5, 0.01), 10)
    rates = [float(schedule(step)) for step in range(51)]
    assert rates[:11] == pytest.approx(np.linspace(0, 0.01, 11), abs=1e-8)
    assert (np.diff(rates[10:]) < 0).all()
    assert rates[50] == pytest.approx(0, abs=1e-9)
    assert schedule_learning_rate(Stage("frozen", 5, 0.01), 10) == 0.01


def test_half_precision_scales_its_loss(network):
    keras.config.set_dtype_policy("mixed_float16")
    try:
        images = keras.Input((2, 2, 3), dtype="uint8")
        pooled = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 255)(images))
        halved = keras.layers.Dense(4)(pooled)
        half = keras.Model(images, keras.layers.Dense(2, activation="softmax", dtype="float32")(halved))
    finally:
        keras.config.set_dtype_policy("float32")
    steps = make_steps(half)
    assert isinstance(steps.optimizer, keras.optimizers.LossScaleOptimizer)
    before = half.get_weights()
    outcome = steps.train(*batch())
    assert np.isfinite(outcome.loss)
    assert any((mine != other).any() for mine, other in zip(half.get_weights(), before, strict=True))
    assert outcome.loss < 5
    assert not any(np.isnan(weight).any() for weight in half.get_weights())
