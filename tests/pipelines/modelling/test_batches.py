import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.pipelines.modelling.batches import Batches, LabelledImages, balanced_weights
from mayo_kedro.pipelines.modelling.pixels import KeptPixels, StreamedPixels, open_pixels
from mayo_kedro.pipelines.modelling.reading import Order


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_balanced_weights_make_the_mean_loss_the_mean_over_classes(values):
    labels = np.array(values, np.int64)
    losses = np.random.default_rng(0).random(len(labels))
    by_class = np.mean([losses[labels == label].mean() for label in np.unique(labels)])
    assert np.mean(balanced_weights(labels) * losses) == pytest.approx(by_class, rel=1e-5)
    assert balanced_weights(labels).mean() == pytest.approx(1, rel=1e-5)


def test_batches_follow_the_order_of_their_epoch(images, splits):
    table = LabelledImages.from_table(splits, weighted=True)
    batches = Batches(StreamedPixels(images, 32), table, Order(10, seed=1, epochs=2))
    assert len(batches) == 3
    for epoch in range(2):
        order = np.random.default_rng([1, epoch]).permutation(24)
        rows, pixels = (
            np.concatenate(parts) for parts in zip(*(part[1:] for part in batches.epoch(epoch)), strict=True)
        )
        assert (rows == order).all()
        assert pixels.dtype == np.uint8
        assert pixels.shape == (24, 32, 32, 3)
        assert ((pixels[..., 0].mean((1, 2)) > 150) == (table.labels[rows] == 1)).all()
        assert images.streamed[-1] == splits["image"].to_numpy()[order].tolist()


def test_without_a_seed_rows_stay_as_they_are(images, splits):
    kept = KeptPixels(StreamedPixels(images, 32), splits["image"].tolist())
    table = LabelledImages.from_table(splits, weighted=False)
    assert np.concatenate([rows for _, rows, _ in Batches(kept, table, Order(7)).epoch()]).tolist() == list(
        range(24)
    )
    assert (table.weights == 1).all()


@pytest.mark.parametrize("cache", [0, 1])
@pytest.mark.parametrize("share", [0, 0.2])
@pytest.mark.parametrize("shard", [(0, 1), (1, 2)])
def test_an_epoch_that_is_taken_up_goes_on_as_if_nothing_had_been(images, splits, cache, share, shard):
    """With a damaged image too: it makes a batch smaller, and moves no image to another."""
    if share:
        images.files["005_1"] = b"text"
    table = LabelledImages.from_table(splits, weighted=False)
    order = Order(5, 3, 2, *shard)

    def read(epoch, first=0):
        pixels = open_pixels(images, splits["image"].tolist(), 32, cache, unreadable_share=share)
        parts = Batches(pixels, table, order).epoch(epoch, first)
        return [(step, rows.tolist(), np.asarray(pixels)) for step, rows, pixels in parts]

    whole = read(1)
    assert [step for step, _, _ in whole] == list(range(5))
    rows = [row for _, part, _ in whole for row in part]
    if shard == (0, 1):
        assert len(set(rows)) == 24 - bool(share)
    for first in range(6):
        rest = read(1, first)
        assert [part[:2] for part in rest] == [part[:2] for part in whole[first:]]
        assert all((one[2] == other[2]).all() for one, other in zip(rest, whole[first:], strict=True))
