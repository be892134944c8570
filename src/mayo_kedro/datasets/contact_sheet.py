"""Thumbnails with captions, as one PNG."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont, ImageOps

COLUMNS = 4
MARGIN = 10
LINE = 20


def draw_contact_sheet(
    images: Sequence[npt.NDArray[np.uint8]], captions: Sequence[str], title: str, thumbnail: int
) -> str:
    """Lay images out in rows of four.

    Args:
        images: RGB of shape (height, width, 3), of any size.
        captions: one for each.
        title: a line above all; may be empty.
        thumbnail: side of each cell in pixels.

    Returns:
        A PNG in base64, without a prefix.
    """
    cell = (thumbnail + MARGIN, thumbnail + LINE + MARGIN)
    rows = -(-len(images) // COLUMNS)
    top = LINE + MARGIN if title else MARGIN
    sheet = Image.new("RGB", (COLUMNS * cell[0] + MARGIN, rows * cell[1] + top), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(12)
    draw.text((MARGIN, MARGIN // 2), title, "firebrick", font)
    for index, (pixels, caption) in enumerate(zip(images, captions, strict=True)):
        left = MARGIN + index % COLUMNS * cell[0]
        upper = top + index // COLUMNS * cell[1]
        picture = ImageOps.contain(Image.fromarray(pixels), (thumbnail, thumbnail))
        draw.rectangle((left - 1, upper - 1, left + thumbnail, upper + thumbnail), outline="lightgray")
        sheet.paste(picture, (left + (thumbnail - picture.width) // 2, upper))
        draw.text((left, upper + thumbnail + 3), caption, "black", font)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
