"""What a TIFF says of itself, checked before anything is unpacked."""

from typing import BinaryIO

from tifffile import TiffFile, TiffFileError, TiffPage

from mayo_kedro.pipelines.slides.problems import BadSlideError

MAGIC = {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}
MOST_TILE_BYTES = 2**28
"""Unpacked, of one tile or strip: all that is unpacked at once."""


def read_header(file: BinaryIO, size: int, most_megapixels: float) -> TiffPage:
    """Read the description of the first image, which in a pyramid is the largest.

    Args:
        file: seekable; a few hundred bytes for each thousand tiles are read.
        size: of the file in bytes.
        most_megapixels: that the header may claim.

    Returns:
        The page; its tiles can be located, and have not been read.

    Raises:
        BadSlideError: it is no TIFF, or truncated, or not to be unpacked.
    """
    file.seek(0)
    if file.read(4) not in MAGIC:
        raise BadSlideError("it is no TIFF")
    file.seek(0)
    page = _parse(file)
    _refuse_bombs(page, most_megapixels)
    _refuse_truncated(page, size)
    return page


def _parse(file: BinaryIO) -> TiffPage:
    try:
        page = TiffFile(file).pages[0]
    except (TiffFileError, ValueError, IndexError, KeyError, OverflowError, TypeError) as error:
        raise BadSlideError(f"its header can't be read ({error})") from None
    if not isinstance(page, TiffPage) or not page.dataoffsets:
        raise BadSlideError("its header names no image")
    return page


def _refuse_bombs(page: TiffPage, most_megapixels: float) -> None:
    megapixels = page.imagewidth * page.imagelength / 1e6
    if not 0 < megapixels <= most_megapixels:
        raise BadSlideError(
            f"its header claims {page.imagewidth} by {page.imagelength} pixels, and slides.most_megapixels "
            f"is {most_megapixels:.0f}"
        )
    if page.tilewidth and page.tilelength:
        unpacked = page.tilewidth * page.tilelength
    else:
        unpacked = page.imagewidth * min(page.rowsperstrip, page.imagelength)
    if unpacked * page.samplesperpixel * page.bitspersample // 8 > MOST_TILE_BYTES:
        raise BadSlideError("its tiles or strips are too large to be unpacked one by one")


def _refuse_truncated(page: TiffPage, size: int) -> None:
    end = max(offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True))
    if end > size:
        raise BadSlideError(f"it is truncated: its tiles reach to byte {end}, the file to {size}")
    if min(page.databytecounts) == 0:
        raise BadSlideError(f"{page.databytecounts.count(0)} of its tiles are missing")
