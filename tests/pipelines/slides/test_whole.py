"""Are whole slides shrunk as libvips shrinks them, and bad ones told?"""

import io
import struct

import numpy as np
import pytest
import pyvips
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mayo_kedro.pipelines.slides.cutting import cut_slide
from mayo_kedro.pipelines.slides.parameters import SlidesParameters
from mayo_kedro.pipelines.slides.whole import choose_factor, encode

from .drawings import LILAC, as_slide, draw, write

SMALL = SlidesParameters(longest_side=200)


@pytest.fixture(scope="module")
def slide_path(tmp_path_factory):
    pixels, _ = draw(1500, 1100, LILAC)
    return write(tmp_path_factory.mktemp("whole") / "one.tif", pixels)


def cut(path, parameters=SMALL):
    return cut_slide(as_slide(path), parameters)


def problem_of(path, parameters=SMALL):
    done = cut(path, parameters)
    assert (done.images, done.key) == ({}, "")
    [row] = done.rows
    return row["problem"]


@pytest.mark.parametrize(("kind", "suffix"), [("png", ".png"), ("jpeg", ".jpg"), ("webp", ".webp")])
def test_gives_an_image_of_the_size_and_format(slide_path, kind, suffix):
    done = cut(slide_path, SlidesParameters(longest_side=300, format=kind))
    [(name, content)] = done.images.items()
    image = Image.open(io.BytesIO(content))
    assert name == f"one{suffix}"
    assert image.format.lower() == kind
    assert image.mode == "RGB"
    assert image.size == (220, 300)


def test_is_what_libvips_makes_of_the_file(slide_path):
    [content] = cut(slide_path).images.values()
    pixels = np.asarray(Image.open(io.BytesIO(content)))
    slide = pyvips.Image.new_from_file(str(slide_path))
    assert np.array_equal(pixels, slide.reduceh(7.5, gap=2).reducev(7.5, gap=2).numpy())
    # The usual call shrinks and rounds the height before the width.
    assert abs(pixels.astype(int) - slide.resize(200 / 1500).numpy()).max() <= 1


def test_row_says_what_was_made(slide_path):
    [row] = cut(slide_path).rows
    assert row["image_id"] == row["slide"] == "one"
    assert row["factor"] == 7.5
    assert row["background"] == "#ead8fe"
    assert row["tissue_share"] == pytest.approx(0.16, abs=0.02)
    assert row["problem"] == ""
    assert row["bytes_fetched"] == 0


def test_fixed_factor(slide_path):
    [content] = cut(slide_path, SlidesParameters(longest_side=None, factor=10)).images.values()
    assert Image.open(io.BytesIO(content)).size == (110, 150)


@settings(deadline=None)
@given(st.integers(1, 200_000), st.integers(1, 200_000), st.integers(16, 65_535))
def test_never_enlarges_and_fits(width, height, longest):
    factor = choose_factor(width, height, SlidesParameters(longest_side=longest))
    assert factor >= 1
    assert max(width, height) / factor <= max(longest, 1) * (1 + 1e-9)


def test_encoded_png_holds_the_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 50, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode(pixels, "png", 1)))), pixels)


@pytest.mark.parametrize("bands", [1, 4])
def test_grey_and_transparent_slides_become_rgb(tmp_path, bands):
    pixels, _ = draw(400, 400)
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    image = image.colourspace("b-w") if bands == 1 else image.addalpha()
    image.tiffsave(str(tmp_path / "a.tif"), compression="deflate", tile=True)
    [content] = cut(tmp_path / "a.tif").images.values()
    assert Image.open(io.BytesIO(content)).mode == "RGB"


def test_the_smallest_of_a_pyramid_is_not_taken_for_the_slide(tmp_path):
    pixels, _ = draw(1000, 1000)
    write(tmp_path / "a.tif", pixels, pyramid=True)
    assert cut(tmp_path / "a.tif").rows[0]["factor"] == 5


class TestBadSlides:
    def test_no_tiff(self, tmp_path):
        (tmp_path / "a.tif").write_text("not a slide")
        assert problem_of(tmp_path / "a.tif") == "it is no TIFF"

    def test_another_format(self, tmp_path):
        Image.new("RGB", (50, 50)).save(tmp_path / "a.tif", "PNG")
        assert problem_of(tmp_path / "a.tif") == "it is no TIFF"

    @pytest.mark.parametrize("content", [b"", b"II+\0", b"II*\0\xff\xff\xff\xff", b"MM\0*" + bytes(100)])
    def test_header_in_pieces(self, tmp_path, content):
        (tmp_path / "a.tif").write_bytes(content)
        assert problem_of(tmp_path / "a.tif")

    @pytest.mark.parametrize("share", [0.2, 0.9, 0.999])
    def test_truncated(self, tmp_path, slide_path, share):
        content = slide_path.read_bytes()
        (tmp_path / "a.tif").write_bytes(content[: int(share * len(content))])
        assert problem_of(tmp_path / "a.tif")

    def test_truncated_before_the_table_is_called_so(self, tmp_path):
        pixels, _ = draw(600, 600)
        # tifffile writes the table first, so that only the tiles are cut off
        tifffile.imwrite(tmp_path / "a.tif", pixels, tile=(128, 128), compression="zlib")
        content = (tmp_path / "a.tif").read_bytes()
        (tmp_path / "a.tif").write_bytes(content[:-1000])
        assert "truncated" in problem_of(tmp_path / "a.tif")

    def test_damaged_tile(self, tmp_path, slide_path):
        content = bytearray(slide_path.read_bytes())
        [tile] = tifffile.TiffFile(slide_path).pages[0].dataoffsets[50:51]
        content[tile : tile + 100] = b"\x55" * 100
        (tmp_path / "a.tif").write_bytes(content)
        assert "can't be unpacked" in problem_of(tmp_path / "a.tif")

    def test_header_that_claims_too_much(self, tmp_path, slide_path):
        assert "1100 by 1500" in problem_of(
            slide_path, SlidesParameters(longest_side=200, most_megapixels=1.6)
        )
        bomb = pyvips.Image.black(200, 200, bands=3).copy(interpretation="srgb")
        bomb.tiffsave(str(tmp_path / "a.tif"), tile=True, tile_width=128, tile_height=128)
        claim_size(tmp_path / "a.tif", 2_000_000, 2_000_000)
        assert "2000000 by 2000000" in problem_of(tmp_path / "a.tif")

    def test_one_strip_that_would_fill_the_memory(self, tmp_path):
        image = pyvips.Image.black(200, 200, bands=3).copy(interpretation="srgb")
        image.tiffsave(str(tmp_path / "a.tif"), compression="deflate", tile_height=200)
        claim_size(tmp_path / "a.tif", 100_000, 100_000, strip=100_000)
        assert "too large to be unpacked" in problem_of(tmp_path / "a.tif")

    def test_no_tissue(self, tmp_path):
        write(tmp_path / "a.tif", np.full((500, 500, 3), 240, np.uint8))
        assert problem_of(tmp_path / "a.tif") == "no tissue was found on it"


def claim_size(path, width, height, strip=None):
    """Overwrite the size that a classic TIFF's header tells."""
    wanted = {256: width, 257: height, **({278: strip} if strip else {})}
    content = bytearray(path.read_bytes())
    (table,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, table)
    for number in range(entries):
        place = table + 2 + 12 * number
        (tag,) = struct.unpack_from("<H", content, place)
        if tag in wanted:
            struct.pack_into("<HIi", content, place + 2, 4, 1, wanted[tag])
    path.write_bytes(content)
