"""The figures of the page, with what they show and how to read them."""

from dataclasses import dataclass

import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.figures import patients as figures
from mayo_kedro.pipelines.reporting.figures.style import embed_figure
from mayo_kedro.pipelines.reporting.figures.training import draw_learning_curves, name_networks
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.scores.judged import Judged
from mayo_kedro.pipelines.reporting.wording import Numbers, join_words

EXPLAINED_TRAINING = "On images that the network learns from. The images judged in this report are others."
EXPLAINED_VALIDATION = (
    "Validation images were set apart from the training images to decide when to stop; the images judged in "
    "this report are others still. Training that gets better while validation does not is learning by heart."
)


@dataclass(frozen=True)
class Picture:
    """A figure in the page.

    Attributes:
        title: above it.
        address: the picture itself.
        alt: what it shows, for who cannot see it.
        caption: how to read it.
        wide: over both columns.
    """

    title: str
    address: str
    alt: str
    caption: str
    wide: bool = False


def draw_pictures(
    patients: Judged,
    history: pd.DataFrame,
    metrics: Numbers,
    columns: Columns,
    parameters: ReportingParameters,
) -> list[Picture]:
    """Draw the figures of the page, as vectors, so that they stay sharp on every screen and on paper."""
    return [
        _picture_confusions(patients, columns),
        _picture_roc(patients, metrics, columns, parameters),
        _picture_precision(patients, columns),
        _picture_calibration(patients, metrics, columns, parameters),
        _picture_distribution(patients, columns),
        _picture_learning(history),
    ]


def _picture_confusions(patients: Judged, columns: Columns) -> Picture:
    counts = figures.count_confusions(patients)
    found = [
        f"{counts[number, number]:.0f} of {counts[number].sum():.0f} patients with {name} "
        f"({counts[number, number] / counts[number].sum():.0%})"
        for number, name in enumerate(columns.ordered_classes)
    ]
    return Picture(
        "Which patients are recognised",
        embed_figure(figures.draw_confusion_matrix(patients, columns)),
        f"Confusion matrix: recognised are {join_words(found)}.",
        f"Each row is a true class, each column what the model named. Recognised: {join_words(found)}.",
    )


def _picture_roc(
    patients: Judged, metrics: Numbers, columns: Columns, parameters: ReportingParameters
) -> Picture:
    return Picture(
        "ROC curve",
        embed_figure(figures.draw_roc(patients, columns, parameters)),
        f"ROC curve with an area of {metrics['patient_auc']:.2f}, where a coin toss has 0.50.",
        "Patients found against others wrongly flagged, for every possible threshold. The further to the "
        f"upper left the better. The band holds {parameters.confidence:.0%} of the resampled curves at each "
        "point.",
    )


def _picture_precision(patients: Judged, columns: Columns) -> Picture:
    return Picture(
        "Precision and recall",
        embed_figure(figures.draw_precision_recall(patients, columns)),
        f"Precision against recall for {join_words([name for _, name in figures.shown_classes(columns)])}.",
        "Of the patients flagged, how many are rightly so, while more and more of the class are found. "
        "The dashed line is what flagging everybody gives: the share of the class.",
    )


def _picture_calibration(
    patients: Judged, metrics: Numbers, columns: Columns, parameters: ReportingParameters
) -> Picture:
    error, low, high = (metrics[f"patient_calibration_error{end}"] for end in ("", "_low", "_high"))
    return Picture(
        "Calibration",
        embed_figure(figures.draw_calibration(patients, columns, parameters)),
        f"Reliability curve; the expected calibration error is {error:.3f}.",
        "Of the patients given a probability, how many have the class; on the dashed line a probability can "
        f"be taken at its word. The mean distance (expected calibration error) is {error:.3f} "
        f"[{low:.3f}, {high:.3f}]; its interval allows for what chance adds to every distance. A network "
        "trained so that rare classes count as much as common ones gives rare ones too high a probability, "
        "and its curve lies below the line. Bars: Wilson intervals.",
    )


def _picture_distribution(patients: Judged, columns: Columns) -> Picture:
    shown = join_words([name for _, name in figures.shown_classes(columns)])
    return Picture(
        "Probabilities by true class",
        embed_figure(figures.draw_score_distribution(patients, columns)),
        f"Histograms of the probability of {shown}, by the true class of the patients.",
        "The less the colours overlap, the better the model tells the classes apart.",
        wide=True,
    )


def _picture_learning(history: pd.DataFrame) -> Picture:
    last = history.groupby(name_networks(history)).tail(1)["loss"].mean()
    return Picture(
        "How the training went",
        embed_figure(draw_learning_curves(history)),
        f"Loss and accuracy over {history['epoch'].max() + 1} epochs; the training loss ends at {last:.2f}.",
        EXPLAINED_VALIDATION if "val_loss" in history else EXPLAINED_TRAINING,
        wide=True,
    )
