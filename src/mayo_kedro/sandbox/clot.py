"""Draw one clot-like slide: an invention that looks like histology, not an image of tissue."""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import maximum_filter

WIDTHS = (256, 640)  # pixels
HEIGHTS = (256, 900)
SIDE_MEDIAN = 470  # of the geometric mean of width and height
SIDE_SPREAD = 0.18  # standard deviation of its logarithm
TALLNESS_MEDIAN = 1.15  # height by width
TALLNESS_SPREAD = 0.3  # standard deviation of its logarithm
TISSUE_MEDIAN = 0.125  # share of the slide
TISSUE_SPREAD = 0.55  # standard deviation of the logarithm of the share
TISSUE_SHARES = (0.03, 0.27)
BACKGROUNDS = {(255, 255, 255): 0.7, (255, 241, 255): 0.14, (234, 216, 254): 0.08, (196, 211, 192): 0.08}
FIBRIN = (228, 158, 188)
RED_CELLS = (166, 48, 58)
NUCLEI = (86, 52, 132)
PEN_SHARE = 0.05  # slides with a pen mark
PENS = ((28, 60, 160), (20, 110, 70), (35, 35, 40))
GRAIN_WIDTH = 2.5  # pixels
ZONE_WIDTH = 40  # pixels
STRENGTH_SPREAD = 0.12  # standard deviations of logarithms, between laboratories
TINT_SPREAD = 0.07
PIECES = (0.6, 0.3, 0.1)  # shares of slides with one, two and three pieces
STRAND_WIDTH = 12
STRAND = 0.25
GRAIN = 0.3
FULL_SCALE = 255.0


class Stain(NamedTuple):
    """How one laboratory stains: factors on the optical density."""

    strength: float
    tint: tuple[float, float, float]


def draw_stain(generator: np.random.Generator) -> Stain:
    """Draw a laboratory's stain: up to a fifth lighter or darker, with a tint of its own."""
    red, green, blue = np.exp(generator.normal(0, TINT_SPREAD, 3))
    return Stain(float(np.exp(generator.normal(0, STRENGTH_SPREAD))), (float(red), float(green), float(blue)))


def draw_slide(generator: np.random.Generator, fibrin_share: float, stain: Stain) -> np.ndarray:
    """Draw a slide with one clot.

    Args:
        generator: the source of everything but the two traits below.
        fibrin_share: the part of the clot that is fibrin, 0 to 1; the rest is red cells.
        stain: the laboratory's stain.

    Returns:
        uint8 (height, width, 3), RGB.
    """
    shape = _draw_shape(generator)
    outline = _draw_outline(generator, shape)
    threshold = np.quantile(outline, 1 - _draw_tissue_share(generator))
    cover = np.clip((outline - threshold) / 0.03 + 0.5, 0, 1)
    density = _draw_density(generator, cover, fibrin_share) * stain.strength * np.float32(stain.tint)
    tissue = FULL_SCALE * np.exp(-density) + generator.normal(0, 3, (*shape, 1))
    canvas = np.array(_draw_background(generator, shape), np.float32)
    slide = canvas + cover[..., np.newaxis] * (tissue - canvas)
    return np.clip(np.rint(slide), 0, FULL_SCALE).astype(np.uint8)


def _draw_shape(generator: np.random.Generator) -> tuple[int, int]:
    """Height and width in pixels."""
    side = SIDE_MEDIAN * np.exp(generator.normal(0, SIDE_SPREAD))
    tallness = np.sqrt(TALLNESS_MEDIAN * np.exp(generator.normal(0, TALLNESS_SPREAD)))
    return round(float(np.clip(side * tallness, *HEIGHTS))), round(float(np.clip(side / tallness, *WIDTHS)))


def _draw_tissue_share(generator: np.random.Generator) -> float:
    share = TISSUE_MEDIAN * np.exp(generator.normal(0, TISSUE_SPREAD))
    return float(np.clip(share, *TISSUE_SHARES))


def _draw_noise(generator: np.random.Generator, shape: tuple[int, int], cell: float) -> np.ndarray:
    """Smooth noise of about unit variance whose bumps are `cell` pixels wide."""
    height, width = shape
    grid = generator.standard_normal((int(height / cell) + 2, int(width / cell) + 2), np.float32)
    smooth = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(smooth)


def _draw_outline(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Height field whose upper part is the clot: one to three rough ellipses, cracked."""
    ellipses = [
        _draw_ellipse(generator, shape) for _ in range(generator.choice([1, 2, 3], p=PIECES))
    ]
    side = min(shape)
    bumps = [(0.22, side / 3), (0.1, side / 9), (0.04, 7)]
    rough = sum(weight * _draw_noise(generator, shape, cell) for weight, cell in bumps)
    cracks = np.maximum(0, 0.12 - np.abs(_draw_noise(generator, shape, side / 5)))
    return np.maximum.reduce(ellipses) + rough - generator.uniform(0, 4) * cracks


def _draw_ellipse(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Falls from 0 at the centre by 1 for every half of the slide's geometric mean side."""
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    middle = generator.uniform(0.35, 0.65, 2) * shape
    angle, stretch = generator.uniform(0, np.pi), generator.uniform(1, 1.9)
    along = (rows - middle[0]) * np.cos(angle) + (columns - middle[1]) * np.sin(angle)
    across = (columns - middle[1]) * np.cos(angle) - (rows - middle[0]) * np.sin(angle)
    radius = np.sqrt(shape[0] * shape[1]) / 2
    return -np.hypot(along / stretch, across * stretch).astype(np.float32) / radius


def _draw_density(generator: np.random.Generator, cover: np.ndarray, fibrin_share: float) -> np.ndarray:
    """Optical density (height, width, 3) of striated fibrin, granular red cells and scattered nuclei."""
    shape = cover.shape[0], cover.shape[1]
    layers = _draw_layers(generator, shape)
    fibrin = _pick_share(layers, cover > 0, fibrin_share)[..., np.newaxis]
    strands = STRAND * np.sin(9 * layers + 2 * _draw_noise(generator, shape, STRAND_WIDTH))
    grains = GRAIN * _draw_noise(generator, shape, GRAIN_WIDTH)
    density = fibrin * _dye(FIBRIN, 1 + strands) + (1 - fibrin) * _dye(RED_CELLS, 1 + grains)
    nuclei = _draw_nuclei(generator, shape)[..., np.newaxis]
    return density + nuclei * (_dye(NUCLEI, np.ones(shape, np.float32)) - density)


def _draw_layers(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Bent layers across the slide, as a clot grows them, broken by patches."""
    angle = generator.uniform(0, np.pi)
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    position = (rows * np.cos(angle) + columns * np.sin(angle)) / generator.uniform(14, 30)
    bent = position + 2.5 * _draw_noise(generator, shape, 60)
    return (
        0.5 * np.sin(bent)
        + _draw_noise(generator, shape, ZONE_WIDTH)
        + 0.35 * _draw_noise(generator, shape, 12)
    )


def _pick_share(field: np.ndarray, inside: np.ndarray, share: float) -> np.ndarray:
    """Mark the upper `share` of the field inside a region, 0 to 1 with soft borders."""
    border = np.quantile(field[inside], 1 - share)
    return np.clip((field - border) / 0.3 + 0.5, 0, 1)


def _dye(colour: tuple[int, int, int], amount: np.ndarray) -> np.ndarray:
    """Optical density by Beer and Lambert: -ln of the light that passes, times the amount."""
    return amount[..., np.newaxis] * -np.log(np.float32(colour) / np.float32(FULL_SCALE))


def _draw_nuclei(generator: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    crowding = np.exp(_draw_noise(generator, shape, 30)) * generator.uniform(0.001, 0.006)
    seeds = generator.random(shape, np.float32) < crowding
    return 0.85 * maximum_filter(
        seeds.astype(np.float32), footprint=np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    )


def _draw_background(generator: np.random.Generator, shape: tuple[int, int]) -> Image.Image:
    colours = list(BACKGROUNDS)
    colour = colours[generator.choice(len(colours), p=list(BACKGROUNDS.values()))]
    canvas = Image.new("RGB", (shape[1], shape[0]), colour)
    pencil = ImageDraw.Draw(canvas)
    for _ in range(generator.poisson(12)):
        _draw_speck(generator, pencil, canvas.size)
    if generator.random() < PEN_SHARE:
        _draw_pen_mark(generator, pencil, canvas.size)
    return canvas


def _draw_speck(generator: np.random.Generator, pencil: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
    x, y = generator.uniform(0, size)
    radius = generator.uniform(0.5, 2.5)
    shade = int(generator.integers(90, 200))
    pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(shade, shade - 20, shade - 10))


def _draw_pen_mark(
    generator: np.random.Generator, pencil: ImageDraw.ImageDraw, size: tuple[int, int]
) -> None:
    turns = np.cumsum(generator.normal(0, 0.4, 8)) + generator.uniform(0, 2 * np.pi)
    steps = np.stack([np.cos(turns), np.sin(turns)], axis=1) * min(size) / 14
    points = np.cumsum(steps, axis=0) + generator.uniform(0, 1, 2) * size
    pen = PENS[generator.integers(len(PENS))]
    pencil.line([(x, y) for x, y in points], fill=pen, width=int(generator.integers(4, 9)), joint="curve")
