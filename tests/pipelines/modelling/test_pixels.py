import numpy as np
import pytest
import tensorflow as tf

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.batches import LabelledImages, make_batches
from mayo_kedro.pipelines.modelling.pixels import KeptPixels, StreamedPixels, open_pixels


def read_all(pixels, splits) -> np.ndarray:
    batches = make_batches(pixels, LabelledImages.from_table(splits, weighted=False), 5)
    with pixels.explain_failures(splits["image"].tolist()):
        return np.concatenate([batch[0].numpy() for batch in batches])


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
    """Only what a pass asks for is streamed, in its order; a row that comes twice is streamed once."""
    ids = splits["image"].tolist()
    kept = open_pixels(images, ids, 32, 1)
    assert images.streamed == []
    first = iter(kept.read(ids[3:6]))
    next(first)
    assert images.streamed == [ids[3:6]]
    list(first)
    list(kept.read(ids[:8]))
    assert images.streamed == [ids[3:6], [*ids[:3], *ids[6:8]]]


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
    def fail(ids):
        yield images.files[ids[0]]
        raise UserError("The token is refused.", "Set another.")

    images.stream = fail
    with pytest.raises(UserError, match="The token is refused"):
        read_all(open_pixels(images, splits["image"].tolist(), 32, cache), splits)


def test_errors_that_no_image_explains_come_through(images, splits):
    streamed = StreamedPixels(images, 32)
    with pytest.raises(tf.errors.ResourceExhaustedError), streamed.explain_failures(splits["image"].tolist()):
        raise tf.errors.ResourceExhaustedError(None, None, "out of memory")
