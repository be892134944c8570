import io

import numpy as np
import pytest
from fsspec.implementations.local import LocalFileSystem
from PIL import Image

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.images import StreamedImages, decode_image

PIXELS = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)


@pytest.fixture
def images(tmp_path):
    for name in ("b", "a", "c"):
        Image.fromarray(PIXELS).save(tmp_path / f"{name}.png")
    (tmp_path / "notes.txt").write_text("no image")
    return StreamedImages(LocalFileSystem(), str(tmp_path), ".png", lambda: ["b", "a"])


def test_is_ordered_by_the_table_and_not_by_the_folder(images):
    assert list(images) == ["b", "a"]
    assert len(images) == 2


def test_gives_pixels_by_id(images):
    assert images["a"].dtype == np.uint8
    np.testing.assert_array_equal(images["a"], PIXELS)


def test_an_id_without_a_row_is_a_key_error(images):
    with pytest.raises(KeyError, match="has no image 'c'"):
        images["c"]
    assert "c" not in images


def test_streams_files_as_they_are_in_the_order_asked_for(images, tmp_path):
    assert list(images.stream(["a", "b", "a"])) == [tmp_path / f"{name}.png" for name in "aba"]


def test_lists_the_ids_of_the_files_with_the_suffix(images):
    assert images.listed_ids() == {"a", "b", "c"}


def test_making_it_reads_nothing():
    def read_ids():
        raise AssertionError("read")

    assert "images" in repr(StreamedImages(LocalFileSystem(), "/nowhere/images", ".png", read_ids))


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "I;16"])
def test_every_mode_becomes_rgb(mode):
    buffer = io.BytesIO()
    Image.new(mode, (7, 3)).save(buffer, "PNG")
    assert decode_image(buffer.getvalue(), "x.png").shape == (3, 7, 3)


@pytest.mark.parametrize(
    "damage", [lambda body: b"", lambda body: b"a text", lambda body: body[: len(body) // 2]]
)
def test_a_damaged_file_is_named(images, damage):
    body = damage(images.read("a"))
    with pytest.raises(UserError, match=r"a\.png can't be read as an image"):
        decode_image(body, "a.png")
