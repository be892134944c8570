import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.batches import Batches, LabelledImages
from mayo_kedro.pipelines.modelling.epochs import Stage, require_number, time_batches
from mayo_kedro.pipelines.modelling.pixels import open_pixels
from mayo_kedro.pipelines.modelling.reading import Order
from mayo_kedro.pipelines.modelling.state import Measures
from mayo_kedro.pipelines.modelling.steps import Outcome


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(1, 20)), min_size=1, max_size=20))
def test_the_mean_of_an_epoch_is_that_over_its_images(batches):
    measures = Measures()
    for value, images in batches:
        measures.add(Outcome(images, loss=value, accuracy=value / 10))
    values, sizes = zip(*batches, strict=True)
    assert measures.images == sum(sizes)
    assert measures.loss == pytest.approx(np.average(values, weights=sizes))
    assert measures.accuracy == pytest.approx(np.average(values, weights=sizes) / 10)


def test_an_epoch_tells_its_time_and_the_wait_for_images(images, splits):
    batches = Batches(
        open_pixels(images, splits["image"].tolist(), 32, 0),
        LabelledImages.from_table(splits, weighted=False),
        Order(5, seed=1, epochs=1),
    )
    measures = Measures(seconds=100.0, waited=50.0)
    seen = [len(rows) for _, rows, _ in time_batches(batches.epoch(), measures)]
    assert sum(seen) == len(splits)
    assert 0 < measures.waited - 50 <= measures.seconds - 100
    assert batches.statistics == {}


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_diverged_training_names_the_learning_rate(loss):
    with pytest.raises(UserError, match="fold 2 diverged") as raised:
        require_number(Outcome(4, loss, 0.5), Stage("fine_tune", 2, 0.7), fold=2)
    assert "modelling.fine_tune_learning_rate, which is 0.7" in raised.value.remedy
