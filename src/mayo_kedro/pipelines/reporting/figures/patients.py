"""Figures of how well patients are judged: each a function from results to a figure."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.figures import style
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.scores.curves import (
    average_precision,
    precision_recall_curve,
    reliability_curve,
    roc_curve,
    roc_heights,
    wilson_interval,
)
from mayo_kedro.pipelines.reporting.scores.judged import Judged
from mayo_kedro.pipelines.reporting.scores.metrics import Floats, rank_area
from mayo_kedro.pipelines.reporting.scores.resampling import find_interval, resample_patients

SQUARE = (5.0, 4.8)
GRID = np.linspace(0, 1, 201)
DISTRIBUTION_BINS = 20
ASIDE = 0.008
LEGEND_ROOM = 0.25


def shown_classes(columns: Columns) -> list[tuple[int, str]]:
    """The classes that curves are drawn for: of two the positive one, of more each against the rest."""
    numbered = list(enumerate(columns.ordered_classes))
    return numbered[1:] if len(numbered) == 2 else numbered


def count_confusions(patients: Judged) -> Floats:
    """(true classes, most probable classes): numbers of patients."""
    classes = patients.probabilities.shape[1]
    counts = np.zeros((classes, classes))
    np.add.at(counts, (patients.labels, patients.probabilities.argmax(axis=1)), 1)
    return counts


def draw_confusion_matrix(patients: Judged, columns: Columns) -> Figure:
    """Draw how many patients of each class were given which class, with shares of the row."""
    counts = count_confusions(patients)
    shares = counts / counts.sum(axis=1, keepdims=True)
    figure, grid = style.start_figure(SQUARE)
    axes = grid[0, 0]
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        text = f"{counts[row, column]:.0f}\n{share:.0%}"
        colour = "white" if share > 0.55 else style.INK
        axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=13)
    ticks = range(len(shares))
    axes.set_xticks(ticks, columns.ordered_classes)
    axes.set_yticks(ticks, columns.ordered_classes, rotation=90, va="center")
    axes.tick_params(length=0, labelsize=style.TEXT_POINTS)
    style.name_axes(axes, "given by the model (most probable class)", "true class")
    return figure


def draw_roc(patients: Judged, columns: Columns, parameters: ReportingParameters) -> Figure:
    """Draw the ROC curve of each shown class with its bootstrap band and area."""
    figure, grid = style.start_figure(SQUARE)
    axes = grid[0, 0]
    style.draw_diagonal(axes, "coin toss: AUC 0.50")
    for number, name in shown_classes(columns):
        _draw_roc_curve(axes, patients, number, name, parameters)
    style.span_unit_square(axes)
    style.name_axes(
        axes, "share of the others wrongly flagged (1 - specificity)", "share found (sensitivity)"
    )
    style.add_legend(axes, "lower right")
    return figure


def _draw_roc_curve(
    axes: Axes, patients: Judged, number: int, name: str, parameters: ReportingParameters
) -> None:
    positive, scores = patients.labels == number, patients.probabilities[:, number]
    heights, areas = [], []
    for weights in resample_patients(patients.labels, parameters.bootstrap_samples, parameters.seed):
        heights.append(roc_heights(positive, scores, weights, GRID))
        areas.append(rank_area(positive, scores, weights))
    low, high = find_interval(np.concatenate(heights), parameters.confidence)
    least, most = find_interval(np.concatenate(areas), parameters.confidence)
    plain = np.ones((1, len(scores)))
    area = rank_area(positive, scores, plain)[0]
    false_rates, true_rates = roc_curve(positive, scores, plain)
    colour = style.class_colour(number)
    axes.fill_between(GRID, low, high, color=colour, alpha=0.16, linewidth=0)
    label = f"{name}: AUC {area:.2f} [{least:.2f}, {most:.2f}]"
    axes.plot(false_rates[0], true_rates[0], color=colour, linewidth=2, label=label)


def draw_precision_recall(patients: Judged, columns: Columns) -> Figure:
    """Draw precision against recall for each shown class, with the precision of flagging everybody."""
    figure, grid = style.start_figure(SQUARE)
    axes = grid[0, 0]
    for number, name in shown_classes(columns):
        positive, colour = patients.labels == number, style.class_colour(number)
        recall, precision = precision_recall_curve(positive, patients.probabilities[:, number])
        mean = average_precision(recall, precision)
        share = positive.mean()
        label = f"{name}: average {mean:.2f} (flagging everybody: {share:.2f})"
        axes.step(recall, precision, where="pre", color=colour, linewidth=2, label=label)
        axes.axhline(share, color=colour, linewidth=1, linestyle=(0, (4, 3)))
    style.span_unit_square(axes)
    style.name_axes(
        axes, "share found (recall, sensitivity)", "share of the flagged that are right (precision)"
    )
    style.add_legend(axes, "lower left")
    return figure


def draw_calibration(patients: Judged, columns: Columns, parameters: ReportingParameters) -> Figure:
    """Draw how often what was given a probability was so, and below how many patients had which."""
    size = (SQUARE[0], SQUARE[1] + 0.6)
    figure, grid = style.start_figure(size, 2, sharex=True, height_ratios=[4, 1])
    curve, counts = grid[:, 0]
    style.draw_diagonal(curve, "perfect")
    for number, name in shown_classes(columns):
        scores, colour = patients.probabilities[:, number], style.class_colour(number)
        means, shares, sizes = reliability_curve(
            patients.labels == number, scores, parameters.calibration_bins
        )
        reach = np.abs(wilson_interval(shares, sizes, parameters.confidence) - shares)
        look = {"marker": "o", "markersize": 5, "linewidth": 1.6, "elinewidth": 1, "capsize": 2}
        # Beside each other, so that no bar hides another.
        aside = ASIDE * number if len(columns.classes) > 2 else 0
        curve.errorbar(means + aside, shares, reach, color=colour, label=name, **look)
        bins = np.linspace(0, 1, parameters.calibration_bins + 1)
        counts.hist(scores, bins, color=colour, histtype="step", linewidth=1.4)
    curve.set(xlim=(-0.015, 1.015), ylim=(-0.015, 1.015))
    style.name_axes(curve, "", "share of patients who have the class")
    style.name_axes(counts, "probability given by the model", "patients")
    counts.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    style.add_legend(curve, "upper left")
    return figure


def draw_score_distribution(patients: Judged, columns: Columns) -> Figure:
    """Draw which probabilities the patients of each class were given, a panel for each shown class."""
    shown = shown_classes(columns)
    figure, grid = style.start_figure((9.6, 3.6), 1, len(shown), sharey=True)
    for axes, (number, name) in zip(grid[0], shown, strict=True):
        for other, truth in enumerate(columns.ordered_classes):
            scores = patients.probabilities[patients.labels == other, number]
            heights = np.full(len(scores), 1 / len(scores))
            look = {"color": style.class_colour(other), "histtype": "stepfilled"}
            bins = np.linspace(0, 1, DISTRIBUTION_BINS + 1)
            label = f"{truth} ({len(scores)} patients)"
            axes.hist(scores, bins, weights=heights, alpha=0.3, label=label, **look)
            axes.hist(scores, bins, weights=heights, **{**look, "histtype": "step"}, linewidth=1.4)
        style.name_axes(axes, f"probability of {name} given by the model", "")
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set_xlim(0, 1)
        axes.margins(y=LEGEND_ROOM)
    grid[0, 0].set_ylabel("share of the class", fontsize=style.TEXT_POINTS, color=style.INK)
    style.add_legend(grid[0, -1], "upper right")
    return figure
