"""Nodes of the reporting that draw a figure each; the catalog saves them as pictures."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting.cases import contact_sheet
from mayo_kedro.pipelines.reporting.cases import most_wrong as worst
from mayo_kedro.pipelines.reporting.figures import patients as figures
from mayo_kedro.pipelines.reporting.figures.training import draw_learning_curves as draw_training
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.scores.judged import Judged, judge_images, judge_patients


def draw_confusion_matrix(predictions: pd.DataFrame, columns: Columns) -> Figure:
    """Draw which patients are recognised."""
    return figures.draw_confusion_matrix(_judge(predictions, columns), columns)


def draw_roc(predictions: pd.DataFrame, columns: Columns, parameters: ReportingParameters) -> Figure:
    """Draw the ROC curve of the patients with its band."""
    return figures.draw_roc(_judge(predictions, columns), columns, parameters)


def draw_precision_recall(predictions: pd.DataFrame, columns: Columns) -> Figure:
    """Draw precision against recall of the patients."""
    return figures.draw_precision_recall(_judge(predictions, columns), columns)


def draw_calibration(predictions: pd.DataFrame, columns: Columns, parameters: ReportingParameters) -> Figure:
    """Draw how far a probability can be taken at its word."""
    return figures.draw_calibration(_judge(predictions, columns), columns, parameters)


def draw_score_distribution(predictions: pd.DataFrame, columns: Columns) -> Figure:
    """Draw the probabilities that the patients of each class were given."""
    return figures.draw_score_distribution(_judge(predictions, columns), columns)


def draw_learning_curves(history: pd.DataFrame) -> Figure:
    """Draw loss and accuracy over the epochs of every fold."""
    return draw_training(history)


def draw_most_wrong(
    most_wrong: pd.DataFrame,
    images: worst.Images,
    data_source: Mapping[str, str],
    parameters: ReportingParameters,
) -> Figure:
    """Show the most wrong images; only these are streamed, one at a time."""
    thumbnails = worst.fetch_thumbnails(most_wrong, images, parameters)
    return worst.draw_most_wrong(most_wrong, thumbnails, data_source["notice"])


def draw_cases(
    cases: pd.DataFrame,
    case_pictures: Mapping[str, contact_sheet.CasePicture],
    data_source: Mapping[str, str],
) -> Figure:
    """Draw the cases with their evidence as one contact sheet."""
    return contact_sheet.draw_contact_sheet(cases, case_pictures, data_source["notice"])


def _judge(predictions: pd.DataFrame, columns: Columns) -> Judged:
    return judge_patients(judge_images(predictions, columns), columns)
