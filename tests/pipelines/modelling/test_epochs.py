import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.pipelines.modelling.batches import Batches, LabelledImages
from mayo_kedro.pipelines.modelling.epochs import Means, Waiting
from mayo_kedro.pipelines.modelling.pixels import open_pixels


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(1, 20)), min_size=1, max_size=20))
def test_the_mean_of_an_epoch_is_that_over_its_images(batches):
    means = Means()
    for value, images in batches:
        means.add({"loss": value}, images)
    values, sizes = zip(*batches, strict=True)
    assert means.values["loss"] == pytest.approx(np.average(values, weights=sizes))


def test_an_epoch_tells_its_images_the_wait_for_them_and_what_travelled(images, splits):
    batches = Batches(
        open_pixels(images, splits["image"].tolist(), 32, 0),
        LabelledImages.from_table(splits, weighted=False),
        5,
        seed=1,
        epochs=1,
    )
    waiting = Waiting(batches)
    assert sum(len(rows) for rows, _ in waiting) == waiting.images == len(splits)
    assert waiting.seconds > 0
    assert batches.statistics == {}
