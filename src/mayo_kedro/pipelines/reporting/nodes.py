"""Nodes of the reporting: score, draw, write, and say what is published."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting import background, figures, report, wording
from mayo_kedro.pipelines.reporting import most_wrong as worst
from mayo_kedro.pipelines.reporting.evaluation import evaluate
from mayo_kedro.pipelines.reporting.judged import Judged, judge_images, judge_patients
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.training_figure import draw_learning_curves as draw_training

SHORT_COMMIT = 10


def evaluate_predictions(
    predictions: pd.DataFrame, columns: Columns, parameters: ReportingParameters
) -> dict[str, float | int]:
    """Score the held-out predictions by patient and by image, with intervals, beside a constant guess.

    Args:
        predictions: one row a held-out image, with a probability for each class.
        columns: names the classes.
        parameters: of the intervals.

    Returns:
        Flat names such as `patient_auc`, `patient_auc_low`, `patient_auc_high`, `patient_auc_constant`.

    Raises:
        UserError: a class has no held-out patient, or a probability is no number.
    """
    return evaluate(predictions, columns, parameters)


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


def find_most_wrong(
    predictions: pd.DataFrame, columns: Columns, parameters: ReportingParameters
) -> pd.DataFrame:
    """Choose the images whose class the model got most wrong, the surest mistakes first."""
    return worst.select_most_wrong(predictions, columns, parameters)


def draw_most_wrong(
    most_wrong: pd.DataFrame,
    images: worst.Images,
    data_source: Mapping[str, str],
    parameters: ReportingParameters,
) -> Figure:
    """Show the most wrong images; only these are streamed, one at a time."""
    thumbnails = worst.fetch_thumbnails(most_wrong, images, parameters)
    return worst.draw_most_wrong(most_wrong, thumbnails, data_source["notice"])


def write_report(
    predictions: pd.DataFrame,
    history: pd.DataFrame,
    metrics: dict[str, float],
    most_wrong: pd.DataFrame,
    images: worst.Images,
    split_summary: dict[str, Any],
    training_summary: dict[str, Any],
    data_source: dict[str, str],
    columns: Columns,
    parameters: ReportingParameters,
) -> str:
    """Write the page that a clinician can read; its figures are drawn here as vectors.

    Args:
        predictions: one row a held-out image.
        history: one row an epoch.
        metrics: from `evaluate_predictions`.
        most_wrong: from `find_most_wrong`.
        images: streams the most wrong ones.
        split_summary: patients and images of every fold.
        training_summary: backbone, image_size, seed, folds, seconds, images_per_second.
        data_source: repository, host, branch, commit and notice.
        columns: names the classes.
        parameters: of the intervals and pictures.

    Returns:
        HTML that needs no other file and no network.
    """
    patients, confidence = _judge(predictions, columns), parameters.confidence
    thumbnails = worst.fetch_thumbnails(most_wrong, images, parameters)
    content = {
        "task": wording.name_task(columns),
        "classes": columns.ordered_classes,
        "notice": data_source["notice"],
        "confidence": f"{confidence:.0%}",
        "verdict": wording.reach_verdict(metrics, columns, confidence, split_summary["leaks"]),
        "warnings": background.list_warnings(patients, split_summary, columns, parameters),
        "by_patient": wording.describe_metrics(metrics, "patient", columns),
        "by_image": wording.describe_metrics(metrics, "image", columns),
        "leaks": split_summary["leaks"],
        "method": background.METHODS.get(split_summary["method"], split_summary["method"]),
        "folds": background.describe_folds(split_summary, training_summary, columns),
        "pictures": report.draw_pictures(patients, history, metrics, columns, parameters),
        "cases": report.show_cases(most_wrong, thumbnails),
        "making": background.describe_making(data_source, training_summary, split_summary, parameters),
        "limits": background.list_limits(split_summary, training_summary),
    }
    return report.render_report(content)


def publish_results(metrics: dict[str, float], report: str, data_source: dict[str, str]) -> str:
    """Say in a commit message what is published; saving the message publishes the results.

    Args:
        metrics: from `evaluate_predictions`.
        report: from `write_report`; there before anything is published.
        data_source: names the commit of the data.

    Returns:
        One line with the headline metrics beside a constant guess.
    """
    commit = data_source["commit"][:SHORT_COMMIT]
    auc, loss = (
        "{:.2f} [{:.2f}, {:.2f}], guess {:.2f}".format(
            *(metrics[f"patient_{name}{end}"] for end in ("", "_low", "_high", "_constant"))
        )
        for name in ("auc", "weighted_log_loss")
    )
    of_commit = f" on data of commit {commit}" if commit else ""
    patients = wording.count_of(int(metrics["patients"]), "patient")
    return f"Publish results{of_commit}: {patients}, AUC {auc}; weighted log loss {loss}"


def _judge(predictions: pd.DataFrame, columns: Columns) -> Judged:
    return judge_patients(judge_images(predictions, columns), columns)
