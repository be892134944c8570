"""Draw one clot-like slide: an invention that looks like histology, not an image of tissue."""

import math
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Field: TypeAlias = npt.NDArray[np.floating[Any]]  # a value for each pixel; float32, for speed
Shape: TypeAlias = tuple[int, int]  # height and width in pixels

FULL_SCALE = 255.0
WIDTHS, HEIGHTS = (256, 640), (256, 900)  # pixels
SIDE, SIDE_SPREAD = 470, 0.18  # geometric mean of width and height; spreads are of logarithms
TALLNESS, TALLNESS_SPREAD = 1.15, 0.22  # height by width
TISSUE, TISSUE_SPREAD = 0.125, 0.55  # share of the slide
TISSUE_SHARES = (0.03, 0.27)
PIECES = (0.6, 0.3, 0.1)  # shares of slides with a clot in one, two and three pieces
STRENGTH_SPREAD, TINT_SPREAD = 0.09, 0.05  # of stains, between laboratories

FIBRIN, RED_CELLS, NUCLEI = (228, 158, 188), (166, 48, 58), (86, 52, 132)
ZONE, STRAND, GRAIN = 40, 12, 2.5  # widths in pixels
STRAND_CONTRAST, GRAIN_CONTRAST = 0.35, 0.35

BACKGROUNDS = {(255, 255, 255): 0.76, (255, 241, 255): 0.12, (234, 216, 254): 0.06, (196, 211, 192): 0.06}
PENS, PEN_SHARE = ((28, 60, 160), (20, 110, 70), (35, 35, 40)), 0.05


class Stain(NamedTuple):
    """How one laboratory stains: factors on the optical density."""

    strength: float
    tint: tuple[float, float, float]


def draw_stain(generator: np.random.Generator) -> Stain:
    """Draw a laboratory's stain: up to a fifth lighter or darker, with a tint of its own."""
    red, green, blue = (math.exp(generator.normal(0, TINT_SPREAD)) for _ in range(3))
    return Stain(math.exp(generator.normal(0, STRENGTH_SPREAD)), (red, green, blue))


def draw_slide(generator: np.random.Generator, fibrin_share: float, stain: Stain) -> npt.NDArray[np.uint8]:
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
    edge = float(np.quantile(outline, 1 - _draw_tissue_share(generator)))
    cover: Field = np.clip((outline - edge) / 0.03 + 0.5, 0, 1)
    density = _draw_density(generator, cover, fibrin_share) * _as_colour(stain.tint) * stain.strength
    tissue = FULL_SCALE * np.exp(-density) + 3 * generator.standard_normal((*shape, 1), np.float32)
    canvas = np.array(_draw_background(generator, shape), np.float32)
    slide: Field = canvas + cover[..., np.newaxis] * (tissue - canvas)
    pixels: npt.NDArray[np.uint8] = np.clip(slide + 0.5, 0, FULL_SCALE).astype(np.uint8)
    return pixels


def _as_colour(values: tuple[float, float, float]) -> Field:
    return np.array(values, np.float32)


def _draw_shape(generator: np.random.Generator) -> Shape:
    side = SIDE * math.exp(generator.normal(0, SIDE_SPREAD))
    tallness = math.sqrt(TALLNESS * math.exp(generator.normal(0, TALLNESS_SPREAD)))
    return _limit(round(side * tallness), HEIGHTS), _limit(round(side / tallness), WIDTHS)


def _limit(value: int, limits: tuple[int, int]) -> int:
    return max(limits[0], min(value, limits[1]))


def _draw_tissue_share(generator: np.random.Generator) -> float:
    share = TISSUE * math.exp(generator.normal(0, TISSUE_SPREAD))
    return max(TISSUE_SHARES[0], min(share, TISSUE_SHARES[1]))


def _draw_noise(generator: np.random.Generator, shape: Shape, cell: float) -> Field:
    """Smooth noise of about unit variance whose bumps are `cell` pixels wide."""
    height, width = shape
    grid = generator.standard_normal((int(height / cell) + 2, int(width / cell) + 2), np.float32)
    return np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC))


def _draw_outline(generator: np.random.Generator, shape: Shape) -> Field:
    """Height field whose upper part is the clot: rough ellipses, cracked."""
    pieces = 1 + int(generator.choice(len(PIECES), p=PIECES))
    outline: Field = np.maximum.reduce([_draw_ellipse(generator, shape) for _ in range(pieces)])
    side = min(shape)
    for weight, cell in ((0.22, side / 3), (0.1, side / 9), (0.04, 7)):
        outline = outline + weight * _draw_noise(generator, shape, cell)
    cracks = np.clip(0.12 - np.abs(_draw_noise(generator, shape, side / 5)), 0, None)
    return outline - float(generator.uniform(0, 4)) * cracks


def _draw_ellipse(generator: np.random.Generator, shape: Shape) -> Field:
    """Falls from 0 at the centre by 1 for every half of the slide's geometric mean side."""
    row, column = (float(generator.uniform(0.35, 0.65)) * length for length in shape)
    along, across = _turn_axes(shape, row, column, float(generator.uniform(0, math.pi)))
    stretch = float(generator.uniform(1, 1.9))
    distance: Field = np.hypot(along / stretch, across * stretch)
    return -distance / (math.sqrt(shape[0] * shape[1]) / 2)


def _turn_axes(shape: Shape, row: float, column: float, angle: float) -> tuple[Field, Field]:
    """Coordinates of each pixel, in pixels, about a point and along axes turned by an angle."""
    rows: Field = np.arange(shape[0], dtype=np.float32)[:, np.newaxis] - row
    columns: Field = np.arange(shape[1], dtype=np.float32) - column
    cosine, sine = math.cos(angle), math.sin(angle)
    return rows * cosine + columns * sine, columns * cosine - rows * sine


def _draw_density(generator: np.random.Generator, cover: Field, fibrin_share: float) -> Field:
    """Optical density (height, width, 3) of striated fibrin, granular red cells and scattered nuclei."""
    shape = cover.shape[0], cover.shape[1]
    layers = _draw_layers(generator, shape)
    fibrin = _pick_share(layers, cover > 0, fibrin_share)
    strands = 1 + STRAND_CONTRAST * np.sin(9 * layers + 2 * _draw_noise(generator, shape, STRAND))
    grains = 1 + GRAIN_CONTRAST * _draw_noise(generator, shape, GRAIN)
    nuclei = _draw_nuclei(generator, shape)
    clear = 1 - nuclei
    density = _dye(FIBRIN, clear * fibrin * strands) + _dye(RED_CELLS, clear * (1 - fibrin) * grains)
    return density + _dye(NUCLEI, nuclei)


def _draw_layers(generator: np.random.Generator, shape: Shape) -> Field:
    """Bent layers across the slide, as a clot grows them, broken by patches."""
    position, _ = _turn_axes(shape, 0, 0, float(generator.uniform(0, math.pi)))
    bent = position / float(generator.uniform(14, 30)) + 2.5 * _draw_noise(generator, shape, 60)
    layers: Field = 0.5 * np.sin(bent)
    return layers + _draw_noise(generator, shape, ZONE) + 0.35 * _draw_noise(generator, shape, 12)


def _pick_share(field: Field, inside: npt.NDArray[np.bool_], share: float) -> Field:
    """Mark the upper `share` of the field inside a region, 0 to 1 with soft borders."""
    border = float(np.quantile(field[inside], 1 - share))
    share_of_pixel: Field = np.clip((field - border) / 0.3 + 0.5, 0, 1)
    return share_of_pixel


def _dye(colour: tuple[float, float, float], amount: Field) -> Field:
    """Optical density by Beer and Lambert: -ln of the light that passes, times the amount."""
    absorbed: Field = -np.log(_as_colour(colour) / FULL_SCALE)
    return amount[..., np.newaxis] * absorbed


def _draw_nuclei(generator: np.random.Generator, shape: Shape) -> Field:
    crowding = np.exp(_draw_noise(generator, shape, 30)) * float(generator.uniform(0.001, 0.006))
    seeds = Image.fromarray((generator.random(shape, np.float32) < crowding).astype(np.uint8))
    return np.float32(0.85) * np.asarray(seeds.filter(ImageFilter.MaxFilter(3)), np.float32)


def _draw_background(generator: np.random.Generator, shape: Shape) -> Image.Image:
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
