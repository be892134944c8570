import io

import numpy as np
import pytest
from PIL import Image

from mayo_kedro.pipelines.modelling.decoding import can_decode, read_pixels, undecodable

from .conftest import draw, encode


@pytest.fixture
def decode(tmp_path):
    """Decodes a file with these bytes."""

    def read(data: bytes, size: int = 40) -> np.ndarray:
        (tmp_path / "file").write_bytes(data)
        return read_pixels(str(tmp_path / "file"), size).numpy()

    return read


@pytest.mark.parametrize("image_format", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_keep_every_pixel(decode, image_format):
    pixels = draw(200, seed=1)
    assert (decode(encode(pixels, image_format)) == pixels).all()


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP", "GIF"])
def test_lossy_formats_keep_the_colour(decode, image_format):
    pixels = np.full((40, 40, 3), (200, 90, 30), np.uint8)
    assert np.abs(decode(encode(pixels, image_format)).astype(int) - pixels).max() <= 6


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "LA", "1"])
def test_other_colour_modes_become_rgb(decode, mode):
    picture = Image.fromarray(np.full((40, 40, 3), 255, np.uint8)).convert(mode)
    file = io.BytesIO()
    picture.save(file, "PNG")
    assert (decode(file.getvalue()) == 255).all()


def test_sixteen_bits_become_eight(decode):
    file = io.BytesIO()
    Image.fromarray(np.full((40, 40), 0x80FF, np.uint16)).save(file, "PNG")
    assert (decode(file.getvalue()) == 0x80).all()


def test_resizing_averages_what_it_leaves_out(decode):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(decode(encode(stripes), 16)[2:-2, 2:-2].astype(int) - 127).max() <= 8


@pytest.mark.parametrize("data", [b"", b"not an image", encode(draw(1, 1), "TIFF")[:300]])
def test_no_image_is_told_and_refused_by_name(tmp_path, data):
    (tmp_path / "file").write_bytes(data)
    assert not can_decode(tmp_path / "file")
    refusal = undecodable("a7", tmp_path / "file")
    assert "image a7 cannot be decoded" in str(refusal)
    assert "table of labels" in refusal.remedy


@pytest.mark.parametrize("image_format", ["PNG", "JPEG"])
def test_truncated_files_are_told_from_whole_ones(tmp_path, image_format):
    data = encode(draw(1, 1), image_format)
    (tmp_path / "whole").write_bytes(data)
    (tmp_path / "half").write_bytes(data[: len(data) // 2])
    assert can_decode(tmp_path / "whole")
    assert not can_decode(tmp_path / "half")
