"""One slide to its images and its rows of the table: what a worker does."""

import logging
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.slides.header import read_header
from mayo_kedro.pipelines.slides.interfaces import Slide, SlideFile
from mayo_kedro.pipelines.slides.parameters import SlidesParameters
from mayo_kedro.pipelines.slides.problems import BadSlideError
from mayo_kedro.pipelines.slides.tiles import TileReader, cut_windows, find_border_colour, mask_by_size
from mayo_kedro.pipelines.slides.tissue import Colour, find_background, find_tissue, take_border
from mayo_kedro.pipelines.slides.whole import SUFFIXES, encode, shrink_slide

logger = logging.getLogger(__name__)

_unpacking = threading.Lock()
"""A worker unpacks one whole slide at a time, to spare memory; the next one begins to arrive meanwhile."""

_QUERY = re.compile(r"\?[^\s'\"]+=[^\s'\"]+")
"""Of an address: it may be a signed one."""


@dataclass(frozen=True)
class CutSlide:
    """What became of a slide.

    Attributes:
        slide: its name.
        key: of its content and the settings; "" if there was a problem.
        rows: of the table, one for each image, or one that names the problem.
        images: encoded, by file name.
    """

    slide: str
    key: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    images: dict[str, bytes] = field(default_factory=dict, repr=False)


def make_key(slide: Slide, parameters: SlidesParameters) -> str:
    """What changes with the slide's content or with a setting that changes its images."""
    return join_key(slide.hash, parameters.fingerprint())


def join_key(content: str, settings: str) -> str:
    """The key of a row of the table, from its columns `hash` and `settings`."""
    return f"{content}:{settings}"


def cut_slide(slide: Slide, parameters: SlidesParameters) -> CutSlide:
    """Make the images of a slide; whatever is wrong with it is told in its row.

    Args:
        slide: is opened here.
        parameters: what is made of it.

    Returns:
        Images and rows; no images if there is a problem, also if only the last byte has one.
    """
    started = time.monotonic()
    try:
        with slide.open(parameters.cut == "whole") as file:
            rows, images = _cut(slide.name, file, parameters)
            fetched = file.bytes_fetched
    except BadSlideError as error:
        return describe_problem(slide, str(error))
    except UserError as error:
        return describe_problem(slide, error.what)
    except Exception as error:  # a codec's own, or the network's
        logger.debug("Slide %s", slide.name, exc_info=True)
        words = _QUERY.sub("?…", str(error))
        return describe_problem(slide, f"it can't be read ({type(error).__name__}: {words})")
    told = {"settings": parameters.fingerprint(), "seconds": round(time.monotonic() - started, 3)}
    told |= {"bytes_fetched": fetched, "problem": ""}
    rows = [{**_identify(slide), **row, **told} for row in rows]
    return CutSlide(slide.name, make_key(slide, parameters), rows, images)


def describe_problem(slide: Slide, problem: str) -> CutSlide:
    """The row of a slide that gave no images."""
    return CutSlide(slide.name, "", [{"image_id": "", **_identify(slide), "problem": problem}])


def _identify(slide: Slide) -> dict[str, str]:
    return {"slide": slide.name, "source": slide.source, "commit": slide.commit, "hash": slide.hash}


def _cut(
    name: str, file: SlideFile, parameters: SlidesParameters
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    page = read_header(file.file, file.size, parameters.most_megapixels)
    if parameters.cut == "whole":
        return _cut_whole(name, file, parameters)
    return _cut_tiles(name, TileReader(file, page), parameters)


def _cut_whole(
    name: str, file: SlideFile, parameters: SlidesParameters
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    with _unpacking:
        pixels, factor = shrink_slide(file, parameters)
    background = find_background(take_border(pixels))
    share = float(find_tissue(pixels, background, parameters.tissue).mean())
    if not share:
        raise BadSlideError("no tissue was found on it")
    row = {"image_id": name, "factor": round(factor, 4), "x": 0, "y": 0}
    row |= {"tissue_share": round(share, 4), "background": _name_colour(background)}
    return [row], {_name_file(name, parameters): encode(pixels, parameters.format, parameters.quality)}


def _cut_tiles(
    name: str, reader: TileReader, parameters: SlidesParameters
) -> tuple[list[dict[str, Any]], dict[str, bytes]]:
    background = find_border_colour(reader)
    windows = cut_windows(reader, background, parameters.tiles, parameters.tissue)
    if not windows:
        raise BadSlideError("none of its tiles has slides.tiles.least_tissue")
    slide_share = round(float((mask_by_size(reader.counts) > 0).mean()), 4)
    rows, images = [], {}
    for number, window in enumerate(windows):
        image = f"{name}_{number:02d}"
        images[_name_file(image, parameters)] = encode(window.pixels, parameters.format, parameters.quality)
        place = {"image_id": image, "factor": parameters.tiles.factor, "x": window.x, "y": window.y}
        shares = {"tissue_share": round(window.share, 4), "slide_tissue_share": slide_share}
        rows.append({**place, **shares, "background": _name_colour(background)})
    return rows, images


def _name_file(image: str, parameters: SlidesParameters) -> str:
    return image + SUFFIXES[parameters.format]


def _name_colour(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
