"""The nodes of the prediction: gather what predicts, show it new images, judge these and their patients."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.modelling.interfaces import WeightFiles
from mayo_kedro.pipelines.prediction import tables
from mayo_kedro.pipelines.prediction.interfaces import NewImages
from mayo_kedro.pipelines.prediction.parameters import PredictionParameters
from mayo_kedro.predictor import NETWORK, Predictor
from mayo_kedro.progress import results


def gather_predictor(
    network_files: WeightFiles,
    embeddings: pd.DataFrame,
    training_summary: Mapping[str, Any],
    columns: Columns,
    parameters: PredictionParameters,
) -> Predictor:
    """Gather what predicts new images.

    Args:
        network_files: the folder of the trained networks.
        embeddings: of the held-out images.
        training_summary: tells the folds.
        columns: names the classes.
        parameters: for whoever is served the predictor; the prediction pipeline has its own.
    """
    names = [f"fold_{fold}" for fold in training_summary["folds"]]
    return Predictor(
        networks={name: network_files[f"{name}{NETWORK}"].path for name in names},
        embeddings=embeddings,
        classes=columns.ordered_classes,
        parameters=parameters.model_dump(mode="json"),
    )


def list_new_images(new_images: NewImages) -> pd.DataFrame:
    """List the images and whose they are, see `name_patients`."""
    return tables.name_patients(new_images.table)


def predict_new_images(
    new_images: NewImages,
    new_image_table: pd.DataFrame,
    predictor: Predictor,
    columns: Columns,
    parameters: PredictionParameters,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Show new images to all networks.

    Args:
        new_images: gives the encoded files.
        new_image_table: which of them.
        predictor: the networks and what they know.
        columns: names the classes that are expected.
        parameters: settings.

    Returns:
        What each network tells of each image, see `tabulate_networks`; and where the evidence for that lies,
        see `tabulate_evidence`. Unreadable images are missing in both.

    Raises:
        UserError: the predictor tells other classes, or its networks do not fit together.
    """
    # TensorFlow takes seconds to import, and Kedro imports this file for every command. Before Keras: else
    # MLflow, which waits for TensorFlow, finds Keras half imported.
    import tensorflow  # noqa: F401, PLC0415

    from mayo_kedro.pipelines.prediction import networks, seeing  # noqa: PLC0415

    _require_classes(predictor.classes, columns)
    opened = networks.open_predictor(predictor, parameters)
    seen = list(seeing.see_images(opened, new_images, new_image_table, parameters.batch_size))
    return (
        seeing.tabulate_networks(new_image_table, seen, predictor.classes),
        seeing.tabulate_parts(new_image_table, seen, predictor.classes),
    )


def _require_classes(classes: tuple[str, ...], columns: Columns) -> None:
    if classes != columns.ordered_classes:
        raise UserError(
            f"The predictor tells the classes {', '.join(classes)}, in this order, but columns.classes and "
            f"columns.positive are set to {', '.join(columns.ordered_classes)}.",
            "Set these as they were for the training, in globals.yml of conf/base or conf/ENV, or train "
            "again.",
        )


def judge_new_images(
    network_predictions: pd.DataFrame, new_image_table: pd.DataFrame, columns: Columns
) -> pd.DataFrame:
    """Average over the networks and refuse what is unlike or unreadable, see `judge_images`."""
    return tables.judge_images(network_predictions, new_image_table, columns.ordered_classes)


def judge_new_patients(
    network_predictions: pd.DataFrame,
    predicted_images: pd.DataFrame,
    columns: Columns,
    parameters: PredictionParameters,
) -> pd.DataFrame:
    """Average over the images of each patient, see `judge_patients`."""
    patients = tables.judge_patients(
        network_predictions, predicted_images, columns.ordered_classes, parameters.refused_share
    )
    refused = int((patients["refused"] != tables.ACCEPTED).sum())
    why = ": the column `refused` says why" if refused else ""
    results.info("Predicted %d patients; refused are %d%s.", len(patients), refused, why)
    return patients


def write_submission(predicted_patients: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Write the competition's table, see `make_submission`."""
    return tables.make_submission(predicted_patients, columns.patient, columns.classes)
