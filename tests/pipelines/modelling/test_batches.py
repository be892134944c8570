import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.pipelines.modelling.batches import Batches, LabelledImages, balanced_weights
from mayo_kedro.pipelines.modelling.pixels import KeptPixels, StreamedPixels


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_balanced_weights_make_the_mean_loss_the_mean_over_classes(values):
    labels = np.array(values, np.int64)
    losses = np.random.default_rng(0).random(len(labels))
    by_class = np.mean([losses[labels == label].mean() for label in np.unique(labels)])
    assert np.mean(balanced_weights(labels) * losses) == pytest.approx(by_class, rel=1e-5)
    assert balanced_weights(labels).mean() == pytest.approx(1, rel=1e-5)


def test_batches_follow_the_order_of_their_epoch(images, splits):
    table = LabelledImages.from_table(splits, weighted=True)
    batches = Batches(StreamedPixels(images, 32), table, 10, seed=1, epochs=2)
    assert len(batches) == 3
    for epoch in range(2):
        order = np.random.default_rng([1, epoch]).permutation(24)
        rows, pixels = (np.concatenate(parts) for parts in zip(*batches, strict=True))
        assert (rows == order).all()
        assert pixels.dtype == np.uint8
        assert pixels.shape == (24, 32, 32, 3)
        assert ((pixels[..., 0].mean((1, 2)) > 150) == (table.labels[rows] == 1)).all()
        assert images.streamed[-1] == splits["image"].to_numpy()[order].tolist()


def test_without_a_seed_rows_stay_as_they_are(images, splits):
    kept = KeptPixels(StreamedPixels(images, 32), splits["image"].tolist())
    table = LabelledImages.from_table(splits, weighted=False)
    assert np.concatenate([rows for rows, _ in Batches(kept, table, 7)]).tolist() == list(range(24))
    assert (table.weights == 1).all()
