"""Are the tiles those with the most tissue, where the table says, for few bytes?"""

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from pydantic import ValidationError

from mayo_kedro.pipelines.slides.cutting import cut_slide
from mayo_kedro.pipelines.slides.header import read_header
from mayo_kedro.pipelines.slides.parameters import SlidesParameters, TileParameters
from mayo_kedro.pipelines.slides.tiles import TileReader, mask_by_size

from .drawings import GREEN, as_slide, draw, opened, write

BOXES = [(0.1, 0.1, 0.25, 0.3), (0.6, 0.5, 0.3, 0.3)]
TILES = TileParameters(count=6, side=128, least_tissue=0.2)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    pixels, mask = draw(1500, 1310, GREEN, BOXES)
    return write(tmp_path_factory.mktemp("tiles") / "one.tif", pixels), pixels, mask


def cut(path, **settings):
    tiles = TILES.model_copy(update=settings)
    return cut_slide(as_slide(path), SlidesParameters(cut="tiles", tiles=tiles))


def decode(content):
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize(("side", "factor"), [(128, 1), (100, 1), (64, 4), (48, 3)])
def test_tiles_lie_where_the_table_says(drawn, side, factor):
    path, pixels, mask = drawn
    done = cut(path, side=side, factor=factor)
    length = side * factor
    assert 1 <= len(done.rows) <= 6
    for row in done.rows:
        part = pixels[row["y"] : row["y"] + length, row["x"] : row["x"] + length].astype(float)
        shrunk = part.reshape(side, factor, side, factor, 3).mean(axis=(1, 3))
        assert np.abs(decode(done.images[f"{row['image_id']}.png"]) - shrunk).max() <= 0.5
        true = mask[row["y"] : row["y"] + length, row["x"] : row["x"] + length].mean()
        assert row["tissue_share"] == pytest.approx(true, abs=0.05)
        assert row["factor"] == factor


def test_no_window_that_was_left_out_has_more(drawn):
    path, _, mask = drawn
    rows = cut(path).rows
    shares = sorted(
        (mask[y : y + 128, x : x + 128].mean() for y in range(0, 1373, 128) for x in range(0, 1183, 128)),
        reverse=True,
    )
    assert [row["tissue_share"] for row in rows] == sorted(
        (row["tissue_share"] for row in rows), reverse=True
    )
    for row, share in zip(rows, shares, strict=False):
        assert row["tissue_share"] == pytest.approx(share, abs=0.05)


def test_names_and_background(drawn):
    done = cut(drawn[0])
    assert [row["image_id"] for row in done.rows] == [f"one_{number:02d}" for number in range(6)]
    assert list(done.images) == [f"one_{number:02d}.png" for number in range(6)]
    assert {row["background"] for row in done.rows} == {"#c4d3c0"}
    assert done.rows[0]["slide_tissue_share"] == pytest.approx(drawn[2].mean(), abs=0.1)


def test_two_runs_choose_the_same(drawn):
    assert cut(drawn[0]).images == cut(drawn[0]).images


def test_tile_reader_gives_the_pixels(drawn):
    path, pixels, _ = drawn
    with opened(path, whole=False) as slide:
        reader = TileReader(slide, read_header(slide.file, slide.size, 100))
        places = [(0, 0), (2, 3), (reader.grid[0] - 1, reader.grid[1] - 1)]
        for (row, column), tile in reader.read(places).items():
            part = pixels[row * 128 : row * 128 + 128, column * 128 : column * 128 + 128]
            assert np.array_equal(tile[: part.shape[0], : part.shape[1]], part)


def test_a_slide_in_strips_is_told(tmp_path):
    pixels, _ = draw(400, 400)
    done = cut(write(tmp_path / "a.tif", pixels, tile=False))
    assert done.rows[0]["problem"] == "it has no tiles of RGB: set slides.cut to whole"


def test_a_codec_that_is_missing_is_told(tmp_path):
    pixels, _ = draw(400, 400)
    done = cut(write(tmp_path / "a.tif", pixels, compression="jpeg"))
    assert "slides.cut: whole may" in done.rows[0]["problem"]


def test_a_slide_without_tissue_is_told(tmp_path):
    done = cut(write(tmp_path / "a.tif", np.full((500, 500, 3), 240, np.uint8)))
    assert done.rows[0]["problem"] == "none of its tiles has slides.tiles.least_tissue"


def test_a_slide_smaller_than_a_tile_is_told(tmp_path):
    pixels, _ = draw(100, 100)
    assert (
        cut(write(tmp_path / "a.tif", pixels)).rows[0]["problem"]
        == "none of its tiles has slides.tiles.least_tissue"
    )


def test_a_damaged_tile_is_told(drawn, tmp_path):
    content = bytearray(drawn[0].read_bytes())
    content[5000 : len(content) - 6000] = b"\x55" * (len(content) - 11000)
    (tmp_path / "a.tif").write_bytes(content)
    assert cut(tmp_path / "a.tif").rows[0]["problem"]


def test_tiles_that_would_fill_the_memory_are_refused():
    with pytest.raises(ValidationError, match="8192 at most"):
        TileParameters(side=1024, factor=9)


COUNTS = arrays.arrays(
    np.int64, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(1, 50_000)
)


@settings(deadline=None)
@given(COUNTS, st.integers(2, 9))
def test_the_mask_does_not_depend_on_the_unit_of_the_sizes(counts, unit):
    assert np.array_equal(mask_by_size(counts * unit) > 0, mask_by_size(counts) > 0)
    assert (mask_by_size(counts) >= 0).all()
