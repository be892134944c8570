import math

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.datasets.checkpoints_dataset import CheckpointFolder
from mayo_kedro.pipelines.modelling.state import Measures, TrainingState
from mayo_kedro.pipelines.modelling.stopping import Best


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])


@settings(deadline=None)
@given(st.lists(st.floats(0, 10) | st.just(math.nan), min_size=1, max_size=20))
def test_the_best_epoch_is_the_first_of_the_lowest_loss(network, losses):
    best = Best()
    for epoch, loss in enumerate(losses):
        network.set_weights([np.full((1, 1), epoch)])
        best.look_at(loss, network)
    best.restore(network)
    numbers = [loss for loss in losses if not math.isnan(loss)]
    chosen = losses.index(min(numbers)) if numbers else len(losses) - 1
    assert network.get_weights()[0].item() == chosen
    assert best.waited == len(losses) - 1 - chosen if numbers else best.waited == len(losses)


def test_a_stage_that_is_no_better_leaves_the_weights_of_the_one_before():
    state = TrainingState(best=Best(0.5, [np.zeros(1)]))
    state.end_stage()
    state.best = Best(0.6, [np.ones(1)])
    state.end_stage()
    assert (state.stage, state.kept.loss) == (2, 0.5)


@settings(deadline=None)
@given(
    losses=st.lists(st.floats(0, 10), max_size=5),
    batch=st.integers(0, 9),
    waited=st.integers(0, 9),
    weights=st.none() | st.lists(st.integers(0, 9), min_size=1, max_size=12),
)
def test_a_state_comes_back_as_it_was(tmp_path_factory, losses, batch, waited, weights):
    state = TrainingState(
        stage=1,
        batch=batch,
        history=[{"stage": "frozen", "epoch": epoch, "loss": loss} for epoch, loss in enumerate(losses)],
        measures=Measures(images=3, loss=0.1 + 0.2, travelled={"bytes_fetched": 7}),
        best=Best(1 / 3, weights and [np.full(2, number) for number in weights], waited),
    )
    folder = CheckpointFolder(tmp_path_factory.mktemp("state"))
    folder.save("", state.describe(), state.arrays())
    restored = TrainingState.restore(folder.load(""))
    assert restored.describe() == state.describe()
    assert (restored.epoch, restored.batch, restored.kept.weights) == (len(losses), batch, None)
    if weights:
        np.testing.assert_array_equal(restored.best.weights, state.best.weights)
    else:
        assert restored.best.weights is None
