"""One look for all figures, and how a figure gets into a page."""

import base64
import io
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

CLASS_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5D3A9B", "#7A7A00")
"""Okabe and Ito's colours, told apart by people who see colours differently, and two more."""

INK = "#1f2933"
QUIET = "#66727f"
FAINT = "#dde3e8"

TEXT_POINTS = 10
SMALL_POINTS = 8.5


def class_colour(number: int) -> str:
    """The colour of a class, or of a fold."""
    return CLASS_COLOURS[number % len(CLASS_COLOURS)]


def start_figure(
    size: tuple[float, float], rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, Any]:
    """Make a figure that belongs to nobody but the caller (no pyplot, no global state).

    Args:
        size: width and height in inches.
        rows: of panels.
        columns: of panels.
        options: for `Figure.subplots`.

    Returns:
        The figure and its array of axes, (rows, columns).
    """
    figure = Figure(size, layout="constrained", facecolor="white")
    grid = figure.subplots(rows, columns, squeeze=False, **options)
    for axes in grid.flat:
        _dress(axes)
    return figure, grid


def _dress(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(QUIET)
    axes.tick_params(colors=QUIET, labelcolor=INK, labelsize=SMALL_POINTS)
    axes.grid(color=FAINT, linewidth=0.7)
    axes.set_axisbelow(True)


def name_axes(axes: Axes, across: str, up: str) -> None:
    """Write what the axes show."""
    axes.set_xlabel(across, fontsize=TEXT_POINTS, color=INK)
    axes.set_ylabel(up, fontsize=TEXT_POINTS, color=INK)


def span_unit_square(axes: Axes) -> None:
    """Show 0 to 1 on both axes, with a margin that keeps lines on the border whole."""
    axes.set(xlim=(-0.015, 1.015), ylim=(-0.015, 1.015), aspect="equal")


def draw_diagonal(axes: Axes, label: str) -> None:
    """Draw the line on which nothing is known, or all is as it should be."""
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=1, linestyle=(0, (4, 3)), label=label, zorder=1)


def add_legend(axes: Axes, place: str) -> None:
    """Write the legend inside the axes."""
    axes.legend(
        loc=place, fontsize=SMALL_POINTS, labelcolor=INK, frameon=True, framealpha=0.9, edgecolor=FAINT
    )


def embed_figure(figure: Figure) -> str:
    """Turn a figure into the address of an SVG picture that holds it whole.

    The same figure always gives the same address.
    """
    buffer = io.BytesIO()
    # Without a salt Matplotlib draws the names of clip paths at random.
    with mpl.rc_context({"svg.hashsalt": "figure"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return _address(buffer.getvalue(), "image/svg+xml")


def embed_pixels(pixels: Any) -> str:
    """Turn an RGB array (height, width, 3) of uint8 into the address of a JPEG picture that holds it."""
    buffer = io.BytesIO()
    mpl.image.imsave(buffer, pixels, format="jpg", pil_kwargs={"quality": 85})
    return _address(buffer.getvalue(), "image/jpeg")


def _address(body: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(body).decode('ascii')}"
