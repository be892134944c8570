import numpy as np
import pytest
import tensorflow as tf

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.batches import Batches, LabelledImages
from mayo_kedro.pipelines.modelling.pixels import KeptPixels, StreamedPixels, open_pixels
from mayo_kedro.pipelines.modelling.reading import Order


def read_all(pixels, splits) -> np.ndarray:
    batches = Batches(pixels, LabelledImages.from_table(splits, weighted=False), Order(5))
    with pixels.explain_failures(splits["image"].tolist()):
        return np.concatenate([part for _, _, part in batches.epoch()])


def test_kept_and_streamed_images_are_the_same(images, splits):
    ids = splits["image"].tolist()
    kept, streamed = open_pixels(images, ids, 32, 1), open_pixels(images, ids, 32, 0)
    assert isinstance(kept, KeptPixels)
    assert isinstance(streamed, StreamedPixels)
    assert (read_all(kept, splits) == read_all(streamed, splits)).all()


def test_kept_images_are_streamed_once_and_streamed_ones_each_time(images, splits):
    ids = splits["image"].tolist()
    kept = open_pixels(images, ids, 32, 1)
    read_all(kept, splits)
    read_all(kept, splits)
    assert images.streamed == [ids]
    streamed = open_pixels(images, ids, 32, 0)
    read_all(streamed, splits)
    read_all(streamed, splits)
    assert images.streamed == [ids, ids, ids]


def test_training_begins_before_all_images_have_arrived(images, splits):
    """Only what a pass asks for is streamed, in its order; what is kept is not streamed again."""
    ids = splits["image"].tolist()
    kept = open_pixels(images, ids, 32, 1)
    assert images.streamed == []
    first = kept.read(ids[3:6], Order(2)).epoch()
    next(first)
    assert images.streamed == [ids[3:6]]
    list(first)
    list(kept.read(ids[:8], Order(3)).epoch())
    assert images.streamed == [ids[3:6], [*ids[:3], *ids[6:8]]]


@pytest.mark.parametrize("cache", [0, 1])
def test_unreadable_images_are_left_out_up_to_the_share_and_named(images, splits, cache, caplog):
    ids = splits["image"].tolist()
    for image in ("000_0", "005_1"):
        images.files[image] = images.files[image][:60]
    pixels = open_pixels(images, ids, 32, cache, unreadable_share=0.1)
    table = LabelledImages.from_table(splits, weighted=False)
    batches = Batches(pixels, table, Order(5, seed=3, epochs=2))
    for epoch in range(2):
        rows = np.concatenate([part for _, part, _ in batches.epoch(epoch)])
        assert sorted(ids[row] for row in rows) == sorted(set(ids) - {"000_0", "005_1"})
        assert rows.tolist() != sorted(rows)
    assert caplog.text.count("2 of 24 images cannot be decoded: 000_0, 005_1") == 1
    images.files["007_0"] = b"text"
    with pytest.raises(UserError, match=r"3 of 24 images cannot be decoded, more than the share of 0\.1"):
        read_all(open_pixels(images, ids, 32, cache, unreadable_share=0.1), splits)


@pytest.mark.parametrize("cache", [0, 1])
@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"text", lambda data: b""]
)
def test_damaged_image_is_named(images, splits, cache, damage):
    images.files["005_1"] = damage(images.files["005_1"])
    with pytest.raises(UserError, match="image 005_1 cannot be decoded"):
        read_all(open_pixels(images, splits["image"].tolist(), 32, cache), splits)


@pytest.mark.parametrize("cache", [0, 1])
def test_what_the_stream_raises_comes_through(images, splits, cache):
    stream = images.stream

    def fail(ids, ahead=()):
        yield from stream(ids[:1])
        raise UserError("The token is refused.", "Set another.")

    images.stream = fail
    with pytest.raises(UserError, match="The token is refused"):
        read_all(open_pixels(images, splits["image"].tolist(), 32, cache), splits)


def test_errors_that_no_image_explains_come_through(images, splits):
    streamed = StreamedPixels(images, 32)
    with pytest.raises(tf.errors.ResourceExhaustedError), streamed.explain_failures(splits["image"].tolist()):
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
