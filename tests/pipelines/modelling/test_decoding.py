import io

import numpy as np
import pytest
from PIL import Image

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.modelling.decoding import can_decode, decode_pixels, make_native

from .conftest import draw, encode


def decode(data: bytes, size: int = 40) -> np.ndarray:
    return decode_pixels(make_native("a", data), size).numpy()


@pytest.mark.parametrize("image_format", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_keep_every_pixel(image_format):
    pixels = draw(200, seed=1)
    assert (decode(encode(pixels, image_format)) == pixels).all()


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP", "GIF"])
def test_lossy_formats_keep_the_colour(image_format):
    pixels = np.full((40, 40, 3), (200, 90, 30), np.uint8)
    assert np.abs(decode(encode(pixels, image_format)).astype(int) - pixels).max() <= 6


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "LA", "1"])
def test_other_colour_modes_become_rgb(mode):
    picture = Image.fromarray(np.full((40, 40, 3), 255, np.uint8)).convert(mode)
    file = io.BytesIO()
    picture.save(file, "PNG")
    assert (decode(file.getvalue()) == 255).all()


def test_sixteen_bits_become_eight():
    file = io.BytesIO()
    Image.fromarray(np.full((40, 40), 0x80FF, np.uint16)).save(file, "PNG")
    assert (decode(file.getvalue()) == 0x80).all()


def test_resizing_averages_what_it_leaves_out():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(decode(encode(stripes), 16)[2:-2, 2:-2].astype(int) - 127).max() <= 8


@pytest.mark.parametrize("data", [b"", b"not an image", encode(draw(1, 1), "TIFF")[:300]])
def test_no_image_is_refused_by_name(data):
    with pytest.raises(UserError, match="image a7 cannot be decoded") as raised:
        make_native("a7", data)
    assert "table of labels" in raised.value.remedy


@pytest.mark.parametrize("image_format", ["PNG", "JPEG"])
def test_truncated_files_are_told_from_whole_ones(image_format):
    data = encode(draw(1, 1), image_format)
    assert can_decode(data)
    assert not can_decode(data[: len(data) // 2])
