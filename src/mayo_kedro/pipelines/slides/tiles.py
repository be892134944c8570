"""The parts of a slide with the most tissue, read without the rest of it.

A tile of background packs to next to nothing, so that the sizes of the packed tiles, which lie in the
header, are a mask of the tissue that costs nothing. Only the best candidates by that mask are fetched.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tifffile import TiffPage

from mayo_kedro.pipelines.slides.interfaces import SlideFile
from mayo_kedro.pipelines.slides.parameters import TileParameters, TissueParameters
from mayo_kedro.pipelines.slides.problems import BadSlideError
from mayo_kedro.pipelines.slides.tissue import Colour, Pixels, find_background, is_coloured

BORDER_TILES = 24
CANDIDATES = 2
"""For each tile that is wanted so many are fetched, since the mask is only about right."""

READ_AT_ONCE = 16 * 2**20
"""Pixels of the windows that are fetched together: far places answer many requests as fast as one."""

FILLED = 2
"""A packed tile that is larger than the background's by this factor holds something."""


class Window(NamedTuple):
    """A square part of a slide.

    Attributes:
        x: of its left edge, in pixels of the slide.
        y: of its upper edge.
        share: of tissue, 0 to 1.
        pixels: RGB of shape (side, side, 3), shrunk.
    """

    x: int
    y: int
    share: float
    pixels: Pixels


class TileReader:
    """Reads TIFF tiles by their place in the grid.

    Args:
        slide: open for reading here and there.
        page: its header.

    Raises:
        BadSlideError: it is not tiled, or packed in a way that is not read in parts.
    """

    def __init__(self, slide: SlideFile, page: TiffPage) -> None:
        if not page.is_tiled or page.planarconfig != 1 or page.samplesperpixel not in (3, 4):
            raise BadSlideError("it has no tiles of RGB: set slides.cut to whole")
        self.side = (page.tilelength, page.tilewidth)
        self.grid = (-(-page.imagelength // self.side[0]), -(-page.imagewidth // self.side[1]))
        self.shape = (page.imagelength, page.imagewidth)
        self.counts: npt.NDArray[np.int64] = np.array(page.databytecounts, np.int64).reshape(self.grid)
        self._slide, self._page = slide, page

    def read(self, places: list[tuple[int, int]]) -> dict[tuple[int, int], Pixels]:
        """Fetch and unpack tiles, given by row and column; each of shape (height, width, 3)."""
        indices = [row * self.grid[1] + column for row, column in places]
        offsets, counts = self._page.dataoffsets, self._page.databytecounts
        packed = self._slide.read_ranges([(offsets[i], offsets[i] + counts[i]) for i in indices])
        return {
            place: self._unpack(content, index)
            for place, content, index in zip(places, packed, indices, strict=True)
        }

    def _unpack(self, content: bytes, index: int) -> Pixels:
        try:
            tile, *_ = self._page.decode(content, index)
        except Exception as error:  # whatever a codec finds wrong, or the lack of one
            raise BadSlideError(f"a tile can't be unpacked ({error}); slides.cut: whole may") from None
        if tile is None or tile.dtype != np.uint8:
            raise BadSlideError("its tiles are not of 8 bits a colour: set slides.cut to whole")
        filled = np.full((*self.side, 3), 255, np.uint8)
        filled[: tile.shape[1], : tile.shape[2]] = tile[0, ..., :3]
        return filled


def find_border_colour(reader: TileReader) -> Colour:
    """The background's colour, from tiles evenly along the edges of the slide."""
    rows, columns = reader.grid
    edges = [(row, column) for row in (0, rows - 1) for column in range(columns)]
    edges += [(row, column) for column in (0, columns - 1) for row in range(1, rows - 1)]
    edges = list(dict.fromkeys(edges))
    chosen = edges[:: max(1, len(edges) // BORDER_TILES)]
    return find_background(np.stack(list(reader.read(chosen).values())))


def mask_by_size(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How much more than background each tile holds.

    Args:
        counts: bytes of each packed tile, of shape (rows, columns).

    Returns:
        Bytes beyond those of the border's usual tile, 0 where a tile is hardly larger than it.
    """
    border = np.concatenate([counts[0], counts[-1], counts[:, 0], counts[:, -1]])
    usual = int(np.median(border))
    return np.where(counts > FILLED * usual, counts - usual, 0)


def choose_windows(reader: TileReader, parameters: TileParameters) -> list[tuple[int, int]]:
    """The upper left corners (y, x), in pixels, of the windows that promise most tissue, best first."""
    filled = mask_by_size(reader.counts)
    length = parameters.side * parameters.factor
    scored = [
        (int(filled[_cover(reader, y, x, length)].sum()), y, x)
        for y in range(0, reader.shape[0] - length + 1, length)
        for x in range(0, reader.shape[1] - length + 1, length)
    ]
    best = sorted((entry for entry in scored if entry[0] > 0), key=lambda entry: (-entry[0], *entry[1:]))
    return [(y, x) for _, y, x in best[: CANDIDATES * parameters.count]]


def cut_windows(
    reader: TileReader, background: Colour, parameters: TileParameters, tissue: TissueParameters
) -> list[Window]:
    """Fetch the most promising windows and keep those with the most tissue.

    Args:
        reader: of the slide.
        background: the slide's own colour.
        parameters: how many, and how large.
        tissue: what counts as tissue.

    Returns:
        Those with the most tissue first.
    """
    length = parameters.side * parameters.factor
    corners = choose_windows(reader, parameters)
    at_once = max(1, READ_AT_ONCE // length**2)
    windows = []
    for first in range(0, len(corners), at_once):
        for (y, x), pixels in _read_windows(reader, corners[first : first + at_once], length):
            share = float(is_coloured(pixels, background, tissue.distance).mean())
            if share >= parameters.least_tissue:
                windows.append(Window(x, y, share, _shrink(pixels, parameters.factor)))
    windows.sort(key=lambda window: (-window.share, window.y, window.x))
    return windows[: parameters.count]


def _cover(reader: TileReader, y: int, x: int, length: int) -> tuple[slice, slice]:
    """The tiles that a window touches."""
    (height, width), end_y, end_x = reader.side, y + length, x + length
    return slice(y // height, -(-end_y // height)), slice(x // width, -(-end_x // width))


def _read_windows(
    reader: TileReader, corners: list[tuple[int, int]], length: int
) -> Iterator[tuple[tuple[int, int], Pixels]]:
    covers = {corner: _cover(reader, *corner, length) for corner in corners}
    places = {place for rows, columns in covers.values() for place in _list_places(rows, columns)}
    tiles = reader.read(sorted(places))
    for (y, x), (rows, columns) in covers.items():
        joined = np.concatenate(
            [np.concatenate([tiles[row, column] for column in _span(columns)], axis=1) for row in _span(rows)]
        )
        top, left = y - rows.start * reader.side[0], x - columns.start * reader.side[1]
        yield (y, x), joined[top : top + length, left : left + length]


def _list_places(rows: slice, columns: slice) -> Iterator[tuple[int, int]]:
    return product(_span(rows), _span(columns))


def _span(part: slice) -> range:
    return range(part.start, part.stop)


def _shrink(pixels: Pixels, factor: int) -> Pixels:
    if factor == 1:
        return np.ascontiguousarray(pixels)
    side = pixels.shape[0] // factor
    blocks = pixels.reshape(side, factor, side, factor, 3)
    shrunk: Pixels = np.round(blocks.mean(axis=(1, 3), dtype=np.float32)).astype(np.uint8)
    return shrunk
