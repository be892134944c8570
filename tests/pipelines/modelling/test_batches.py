import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.pipelines.modelling.batches import (
    LabelledImages,
    balanced_weights,
    make_batches,
    shuffled_orders,
)
from mayo_kedro.pipelines.modelling.pixels import KeptPixels, StreamedPixels


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_balanced_weights_make_the_mean_loss_the_mean_over_classes(values):
    labels = np.array(values, np.int64)
    losses = np.random.default_rng(0).random(len(labels))
    by_class = np.mean([losses[labels == label].mean() for label in np.unique(labels)])
    assert np.mean(balanced_weights(labels) * losses) == pytest.approx(by_class, rel=1e-5)
    assert balanced_weights(labels).mean() == pytest.approx(1, rel=1e-5)


def test_each_epoch_has_its_own_order_and_a_seed_always_the_same():
    first, again, other = (shuffled_orders(50, seed) for seed in (3, 3, 4))
    orders = [first() for _ in range(3)]
    assert all((order == again()).all() for order in orders)
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert (orders[0] != orders[1]).any()
    assert (orders[0] != other()).any()


def test_batches_follow_the_order_of_their_pass(images, splits):
    table = LabelledImages.from_table(splits, weighted=True)
    batches = make_batches(StreamedPixels(images, 32), table, 10, shuffled_orders(24, 1))
    expected = shuffled_orders(24, 1)
    assert batches.cardinality() == 3
    for _ in range(2):
        order = expected()
        pixels, labels, weights = (np.concatenate(parts) for parts in zip(*batches, strict=True))
        assert (labels == table.labels[order]).all()
        assert (weights == table.weights[order]).all()
        assert pixels.dtype == np.uint8
        assert pixels.shape == (24, 32, 32, 3)
        assert ((pixels[..., 0].mean((1, 2)) > 150) == (labels == 1)).all()
        assert images.streamed[-1] == splits["image"].to_numpy()[order].tolist()


def test_without_an_order_rows_stay_as_they_are(images, splits):
    kept = KeptPixels(StreamedPixels(images, 32), splits["image"].tolist())
    table = LabelledImages.from_table(splits, weighted=False)
    labels = np.concatenate([batch[1] for batch in make_batches(kept, table, 7)])
    assert (labels == splits["int_labels"]).all()
    assert (table.weights == 1).all()
