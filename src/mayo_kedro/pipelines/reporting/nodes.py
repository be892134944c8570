"""Nodes of the reporting: score, draw, write, and say what is published."""

import logging
from collections.abc import Mapping
from typing import Any

import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.reporting import wording
from mayo_kedro.pipelines.reporting.cases import contact_sheet, selection
from mayo_kedro.pipelines.reporting.cases import most_wrong as worst
from mayo_kedro.pipelines.reporting.data_card import describe_images
from mayo_kedro.pipelines.reporting.image_facts import ImageStream, measure_files
from mayo_kedro.pipelines.reporting.leaks.alarms import count_alarms, to_json
from mayo_kedro.pipelines.reporting.leaks.search import look_for_leaks
from mayo_kedro.pipelines.reporting.page import (
    accuracy_worth,
    background,
    beside,
    data_rows,
    model_card,
    report,
)
from mayo_kedro.pipelines.reporting.page.case_cards import READING, show_cases
from mayo_kedro.pipelines.reporting.page.metric_rows import describe_metrics
from mayo_kedro.pipelines.reporting.page.pictures import draw_pictures
from mayo_kedro.pipelines.reporting.page.verdict import reach_verdict
from mayo_kedro.pipelines.reporting.parameters import ReportingParameters
from mayo_kedro.pipelines.reporting.scores.evaluation import evaluate
from mayo_kedro.pipelines.reporting.scores.judged import Judged, judge_images, judge_patients
from mayo_kedro.pipelines.reporting.scores.subgroups import score_subgroups

logger = logging.getLogger(__name__)

SHORT_COMMIT = 10


def measure_images(splits: pd.DataFrame, images: ImageStream, predictions: pd.DataFrame) -> pd.DataFrame:
    """Look at every image once: its size, colours, tissue and perceptual hash.

    Args:
        splits: names the images.
        images: streams them; what the training fetched here lies in the cache.
        predictions: not looked at. That they are there means that the training is over, which must not
            wait until every image has been here.

    Returns:
        See `measure_files`.
    """
    return measure_files(splits["image"].tolist(), images)


def evaluate_predictions(
    predictions: pd.DataFrame,
    splits: pd.DataFrame,
    image_facts: pd.DataFrame,
    columns: Columns,
    parameters: ReportingParameters,
) -> tuple[dict[str, float | int], dict[str, dict[str, Any]]]:
    """Score the held-out predictions beside what needs no network, and look for leaks.

    Args:
        predictions: one row a held-out image (and seed), with a probability for each class.
        splits: every image with its fold.
        image_facts: from `measure_images`.
        columns: names the classes.
        parameters: of the intervals and alarms.

    Returns:
        Flat names such as `patient_auc`, `patient_auc_low`, `patient_auc_high`, `patient_auc_constant`, the
        counts of the alarms among them; and the alarms with their rows, by kind.

    Raises:
        UserError: a class has no held-out patient, a probability is no number, or the predictions are of
            other images than the splits.
    """
    scores = evaluate(predictions, splits, image_facts, columns, parameters)
    found = look_for_leaks(scores, splits, image_facts, columns, parameters)
    alarms = to_json(found)
    for alarm in found:
        level = logging.WARNING if alarm.voids else logging.INFO
        logger.log(level, "%s. %s", alarm.title, alarm.message)
    return scores | count_alarms(alarms), alarms


def find_most_wrong(
    predictions: pd.DataFrame, columns: Columns, parameters: ReportingParameters
) -> pd.DataFrame:
    """Choose the images whose class the model got most wrong, the surest mistakes first."""
    return worst.select_most_wrong(predictions, columns, parameters)


def select_cases(
    predictions: pd.DataFrame, columns: Columns, parameters: ReportingParameters
) -> pd.DataFrame:
    """Choose right and wrong images, sure and unsure ones, to look at."""
    return selection.select_cases(predictions, columns, parameters.cases)


def picture_cases(
    cases: pd.DataFrame,
    evidence: pd.DataFrame,
    images: worst.Images,
    training_summary: dict[str, Any],
    parameters: ReportingParameters,
) -> dict[str, contact_sheet.CasePicture]:
    """Fetch the cases, and draw over each where the network that judged it found its evidence."""
    return contact_sheet.picture_cases(cases, evidence, images, training_summary["recipe"], parameters)


def evaluate_subgroups(
    predictions: pd.DataFrame,
    splits: pd.DataFrame,
    image_facts: pd.DataFrame,
    columns: Columns,
    parameters: ReportingParameters,
) -> pd.DataFrame:
    """Score the patients of each centre, with so many images, and with so much tissue by themselves."""
    return score_subgroups(predictions, splits, image_facts, columns, parameters)


def describe_data(splits: pd.DataFrame, image_facts: pd.DataFrame, columns: Columns) -> dict[str, Any]:
    """Tell what the data are, in numbers."""
    return describe_images(splits, image_facts, columns)


def write_report(
    predictions: pd.DataFrame,
    splits: pd.DataFrame,
    history: pd.DataFrame,
    metrics: dict[str, float],
    leak_alarms: dict[str, dict[str, Any]],
    subgroups: pd.DataFrame,
    cases: pd.DataFrame,
    case_pictures: Mapping[str, contact_sheet.CasePicture],
    data_card: dict[str, Any],
    split_summary: dict[str, Any],
    training_summary: dict[str, Any],
    data_source: dict[str, str],
    columns: Columns,
    parameters: ReportingParameters,
) -> str:
    """Write the page that a clinician can read; its figures are drawn here as vectors.

    Args:
        predictions: one row a held-out image (and seed).
        splits: every image with its fold.
        history: one row an epoch.
        metrics: from `evaluate_predictions`; so are `leak_alarms`.
        leak_alarms: what makes the numbers doubtful.
        subgroups: from `evaluate_subgroups`.
        cases: from `select_cases`.
        case_pictures: from `picture_cases`.
        data_card: from `describe_data`.
        split_summary: patients and images of every fold.
        training_summary: backbone, image_size, seed, folds, seconds, images_per_second.
        data_source: repository, host, branch, commit and notice.
        columns: names the classes.
        parameters: of the intervals and pictures.

    Returns:
        HTML that needs no other file and no network.
    """
    patients = _judge(predictions, columns)
    voided = [alarm["title"] for alarm in leak_alarms.values() if alarm["voids"]]
    worth = accuracy_worth.weigh_random_split(
        metrics, predictions, splits, split_summary["method"], columns, parameters.confidence
    )
    content = {
        "contents": background.list_contents(worth is not None),
        "task": wording.name_task(columns),
        "classes": columns.ordered_classes,
        "notice": data_source["notice"],
        "confidence": f"{parameters.confidence:.0%}",
        "verdict": reach_verdict(metrics, columns, parameters.confidence, voided),
        "alarms": list(leak_alarms.values()),
        "warnings": background.list_warnings(patients, split_summary, columns, parameters),
        "by_patient": describe_metrics(metrics, "patient", columns),
        "by_image": describe_metrics(metrics, "image", columns),
        "baselines": beside.describe_baselines(metrics, columns),
        "points": beside.describe_points(metrics, columns),
        "worth": worth,
        "pictures": draw_pictures(patients, history, metrics, columns, parameters),
        "subgroups": data_rows.describe_subgroups(subgroups, split_summary["method"], columns),
        "subgroups_reading": background.introduce_subgroups(split_summary["method"]),
        "cases": show_cases(cases, case_pictures),
        "reading": READING[training_summary["recipe"]],
        "data": data_rows.describe_data(data_card, columns),
        "leaks": split_summary["leaks"],
        "method": background.METHODS.get(split_summary["method"], split_summary["method"]),
        "folds": background.describe_folds(split_summary, training_summary, columns),
        "card": model_card.describe_model(metrics, columns, data_source, split_summary, training_summary),
        "making": background.describe_making(data_source, training_summary, split_summary, parameters),
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
