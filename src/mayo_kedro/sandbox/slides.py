"""Whole slides in the container of Kaggle's Mayo Clinic STRIP AI: the synthetic drawings, magnified to TIFF.

Deflate tiles of 128 pixels in a BigTIFF of one level; the backgrounds are flat, white, lilac or green.
"""

import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from mayo_kedro.sandbox.sample import draw_sample

PATIENTS = 24
LONGEST_SIDES = (2_000, 6_000)  # pixels; the competition's are 4,000 to 118,000
TILE = 128
GRAIN = 9  # standard deviation of the noise on the tissue, of 255
GRAIN_PIXELS = 1024  # the noise repeats after so many
BACKGROUND_DISTANCE = 30
README = """
# As slides
`slides/{image_id}.tif` are the drawings in place of `images/`, magnified: BigTIFF, one level, tiles of 128 by
128 pixels packed with deflate, the longest side 2,000 to 6,000 pixels.
"""


def draw_slides(
    folder: Path, *, seed: int = 17, patients: int = PATIENTS, longest_sides: tuple[int, int] = LONGEST_SIDES
) -> None:
    """Write `slides/`, `train.csv`, `NOTICE.txt` and `README.md`.

    Args:
        folder: where to write; made if it does not exist.
        seed: of everything drawn.
        patients: how many, at least 4.
        longest_sides: the least and the most, in pixels.
    """
    generator = np.random.default_rng([seed, 1])
    (folder / "slides").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as drawings:
        drawn = Path(drawings)
        draw_sample(drawn, seed=seed, patients=patients)
        for path in sorted((drawn / "images").glob("*.png")):
            pixels = np.asarray(Image.open(path))
            scale = int(generator.integers(*longest_sides, endpoint=True)) / max(pixels.shape)
            height, width = (round(side * scale) for side in pixels.shape[:2])
            write_slide(folder / "slides" / f"{path.stem}.tif", pixels, width, height)
        for name in ("NOTICE.txt", "train.csv"):
            (drawn / name).rename(folder / name)
        (folder / "README.md").write_text((drawn / "README.md").read_text() + README, encoding="utf-8")


def write_slide(path: Path, drawing: npt.NDArray[np.uint8], width: int, height: int) -> None:
    """Magnify a drawing to a slide, in memory that grows with the width only.

    Args:
        path: of the TIFF.
        drawing: RGB of shape (rows, columns, 3), with a flat background.
        width: of the slide in pixels.
        height: of the slide in pixels.
    """
    import pyvips  # noqa: PLC0415  only who draws slides pays for it

    background = _find_background(drawing)
    distance = np.abs(drawing.astype(np.int16) - background).max(axis=-1, keepdims=True)
    covered = (distance > BACKGROUND_DISTANCE).astype(np.uint8) * 255

    def magnify(pixels: npt.NDArray[np.uint8]) -> "pyvips.Image":
        small = pyvips.Image.new_from_array(pixels)
        large = small.resize(width / small.width, vscale=height / small.height, kernel="linear")
        return large.gravity("centre", width, height, extend="copy")  # a pixel may have been rounded away

    grain = np.random.default_rng(0).normal(0, GRAIN, (GRAIN_PIXELS, GRAIN_PIXELS, 1)).round()
    across, down = width // GRAIN_PIXELS + 1, height // GRAIN_PIXELS + 1
    noise = pyvips.Image.new_from_array(grain.astype(np.int8)).replicate(across, down)
    tissue = (magnify(drawing).cast("short") + noise.crop(0, 0, width, height)).cast("uchar")
    slide = (magnify(covered) > 127).ifthenelse(tissue, background.tolist())
    slide.copy(interpretation="srgb").tiffsave(
        str(path), compression="deflate", tile=True, tile_width=TILE, tile_height=TILE, bigtiff=True
    )


def _find_background(drawing: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    pixels = drawing.reshape(-1, 3)
    _, firsts, counts = np.unique(
        pixels @ np.array([1 << 16, 1 << 8, 1]), return_index=True, return_counts=True
    )
    background: npt.NDArray[np.uint8] = pixels[firsts[counts.argmax()]]
    return background
