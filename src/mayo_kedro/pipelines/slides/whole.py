"""A whole slide as one small image, in memory that grows with its width only."""

from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from mayo_kedro.pipelines.slides.interfaces import SlideFile
from mayo_kedro.pipelines.slides.parameters import Format, SlidesParameters
from mayo_kedro.pipelines.slides.problems import BadSlideError
from mayo_kedro.pipelines.slides.tissue import Pixels

if TYPE_CHECKING:
    import pyvips

SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}

GAP = 2.0
"""How much a kernel is to shrink at least, as in `resize`; whole pixels are averaged before."""


class _Callbacks:
    """Hands a file's bytes to libvips, and keeps the error that libvips would only call a failed read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: Exception | None = None

    def read(self, length: int) -> bytes:
        try:
            return self._file.read(length)
        except Exception as error:
            self.error = error
            return b""

    def seek(self, offset: int, whence: int) -> int:
        try:
            return self._file.seek(offset, whence)
        except Exception as error:
            self.error = error
            return -1


def shrink_slide(slide: SlideFile, parameters: SlidesParameters) -> tuple[Pixels, float]:
    """Unpack a slide from front to back and shrink it on the way.

    Args:
        slide: whose header has been checked.
        parameters: `longest_side` or `factor`.

    Returns:
        RGB of shape (height, width, 3), and by how much the slide was shrunk.

    Raises:
        BadSlideError: it can't be unpacked to its end.
    """
    import pyvips  # noqa: PLC0415  only who unpacks slides pays for it

    pyvips.cache_set_max(0)
    callbacks = _Callbacks(slide.file)
    source = _open_source(slide, callbacks)  # has to live as long as the image
    try:
        # A tile that can't be unpacked is only a warning to libvips, which would leave it black.
        image = pyvips.Image.new_from_source(source, "", access="sequential", fail_on="warning")
        factor = choose_factor(image.width, image.height, parameters)
        return _to_rgb(_shrink(image, factor) if factor > 1 else image), factor
    except pyvips.Error as error:
        if callbacks.error:
            raise callbacks.error from None
        raise BadSlideError(f"it can't be unpacked ({_last_line(error)})") from None


def _shrink(image: "pyvips.Image", factor: float) -> "pyvips.Image":
    # `resize` shrinks the height first and takes a twentieth less time, but has rows of the full width in
    # hand: 230 MB of them where a row has 60,000 pixels.
    return image.reduceh(factor, gap=GAP).reducev(factor, gap=GAP)


def choose_factor(width: int, height: int, parameters: SlidesParameters) -> float:
    """By how much a slide of so many pixels is shrunk; at least 1."""
    if parameters.factor is not None:
        return parameters.factor
    return max(1.0, max(width, height) / (parameters.longest_side or 1))


def encode(pixels: Pixels, kind: Format, quality: int) -> bytes:
    """Encode an image.

    Args:
        pixels: RGB of shape (height, width, 3).
        kind: the format.
        quality: of jpeg and webp, 1 to 100.
    """
    import pyvips  # noqa: PLC0415

    image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    options = {} if kind == "png" else {"Q": quality}
    encoded: bytes = image.write_to_buffer(SUFFIXES[kind], keep="none", **options)
    return encoded


def _open_source(slide: SlideFile, callbacks: _Callbacks) -> "pyvips.Source":
    import pyvips  # noqa: PLC0415

    slide.file.seek(0)
    if slide.descriptor is not None:
        return pyvips.Source.new_from_descriptor(slide.descriptor)
    source = pyvips.SourceCustom()
    source.on_read(callbacks.read)
    source.on_seek(callbacks.seek)
    return source


def _to_rgb(image: "pyvips.Image") -> Pixels:
    coloured = image.colourspace("srgb")
    if coloured.hasalpha():
        coloured = coloured.flatten(background=255)
    pixels: Pixels = np.ascontiguousarray(coloured.cast("uchar").numpy())
    return pixels


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "libvips does not say why"
