"""The figure of how the training went."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mayo_kedro.pipelines.reporting.figures import style

PANELS = {"loss": "loss (lower is better)", "accuracy": "accuracy (higher is better)"}


def draw_learning_curves(history: pd.DataFrame) -> Figure:
    """Draw loss and accuracy over the epochs, a colour for each fold.

    Args:
        history: one row an epoch, with `fold`, `stage`, `epoch` and Keras' measures; with `seed` where a fold
            has several networks.

    Returns:
        A panel for each measure that was recorded; solid is validation, dotted training, and a
        vertical line where fine-tuning starts.
    """
    measures = [name for name in PANELS if name in history] or ["loss"]
    figure, grid = style.start_figure((9.6, 4.2), 1, len(measures))
    figure.set_layout_engine("constrained", wspace=0.08)
    for axes, measure in zip(grid[0], measures, strict=True):
        for _, rows in history.groupby(name_networks(history)):
            _draw_fold(
                axes, rows.sort_values("epoch"), measure, style.class_colour(int(rows["fold"].iloc[0]))
            )
        style.name_axes(axes, "epoch", PANELS[measure])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    # Below, where it covers no curve, however many folds there are.
    figure.legend(
        handles=_explain_lines(history),
        loc="outside lower center",
        ncols=8,
        fontsize=style.SMALL_POINTS,
        frameon=False,
    )
    return figure


def name_networks(history: pd.DataFrame) -> list[str]:
    """The columns that tell one network from another."""
    return [name for name in ("fold", "seed") if name in history]


def _draw_fold(axes: Axes, rows: pd.DataFrame, measure: str, colour: str) -> None:
    epochs = rows["epoch"] + 1
    axes.plot(epochs, rows[measure], color=colour, linewidth=1.3, linestyle=":", marker=".", markersize=4)
    validation = f"val_{measure}"
    if validation in rows:
        axes.plot(epochs, rows[validation], color=colour, linewidth=1.9, marker="o", markersize=3.5)
    tuned = epochs[rows["stage"] == "fine_tune"]
    if 0 < len(tuned) < len(epochs):
        axes.axvline(tuned.min() - 0.5, color=colour, linewidth=1, linestyle=(0, (5, 3)), alpha=0.7)


def _explain_lines(history: pd.DataFrame) -> list[Line2D]:
    folds = [
        Line2D([], [], color=style.class_colour(int(fold)), linewidth=3, label=f"fold {fold}")
        for fold in sorted(history["fold"].unique())
    ]
    kinds = [Line2D([], [], color=style.QUIET, linestyle=":", marker=".", label="training")]
    if "val_loss" in history:
        kinds.append(Line2D([], [], color=style.QUIET, marker="o", markersize=3.5, label="validation"))
    if history["stage"].nunique() > 1:
        kinds.append(Line2D([], [], color=style.QUIET, linestyle=(0, (5, 3)), label="fine-tuning starts"))
    return folds + kinds
