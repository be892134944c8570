"""The nodes of the modelling pipeline: train and predict each fold, then join what came out."""

import sys
import time
from dataclasses import replace
from typing import Any

import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.modelling.folds import FoldTables, require_all_folds, split_fold
from mayo_kedro.pipelines.modelling.interfaces import Checkpoints, ImageStream, TrainingMonitor, WeightFiles
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters


def train_fold(
    splits: pd.DataFrame,
    images: ImageStream,
    backbone_weights: WeightFiles,
    columns: Columns,
    parameters: ModellingParameters,
    monitor: TrainingMonitor,
    checkpoints: Checkpoints,
    *,
    fold: int,
    folds: tuple[int, ...],
) -> tuple[Any, pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Train a network on all other folds, and predict this one with it.

    If a search is asked for, it comes first, among the patients of the other folds. What was interrupted goes
    on from its last checkpoint, to the same result.

    Args:
        splits: the checked table with `fold`.
        images: streams the encoded images.
        backbone_weights: the files with pretrained weights, by name.
        columns: names the classes.
        parameters: settings of the training.
        monitor: is told how the training goes.
        checkpoints: of interrupted trainings.
        fold: the fold to hold out.
        folds: all that have a node.

    Returns:
        The Keras model; one row an epoch; one row for each held-out image with a probability for each
        class; its features; one row for each of its parts, with how much that counted and the evidence found
        there; a summary.

    Raises:
        UserError: the fold, an image or the weights are not fit to train with.
    """
    # TensorFlow takes seconds to import, and Kedro imports this file for every command.
    from mayo_kedro.pipelines.modelling import training  # noqa: PLC0415
    from mayo_kedro.pipelines.modelling.devices import open_devices  # noqa: PLC0415
    from mayo_kedro.pipelines.modelling.pixels import open_pixels  # noqa: PLC0415

    started = time.monotonic()
    devices = open_devices(parameters.devices)
    require_all_folds(splits, folds, parameters)
    members = [
        split_fold(splits, fold, columns, parameters.of_member(number))
        for number in range(max(parameters.ensemble, parameters.search.networks))
    ]
    shared = training.Training(
        parameters=parameters,
        classes=columns.ordered_classes,
        pixels=open_pixels(
            images,
            splits["image"].tolist(),
            parameters.image_size,
            parameters.memory_cache_mb,
            parameters.unreadable_share,
            parameters.tiles_per_image,
        ),
        backbone_weights=backbone_weights[parameters.weights] if parameters.weights else None,
        monitor=monitor,
        checkpoints=checkpoints,
        devices=devices,
    )
    chosen, search = _search(shared, members[: parameters.search.networks])
    trained = training.train_fold(replace(shared, parameters=chosen), members[: parameters.ensemble])
    summary = {
        "fold": fold,
        "patients_trained": int(splits.loc[splits["fold"] != fold, "patient"].nunique()),
        "images_trained": trained.images_trained,
        "training_seconds": float(trained.history["seconds"].sum()),
        "seconds": round(time.monotonic() - started, 1),
        "peak_memory_mb": _peak_memory_mb(),
        "search": search,
    }
    return (
        trained.network,
        trained.history,
        trained.predictions,
        trained.embeddings,
        trained.evidence,
        summary,
    )


def _search(shared: Any, members: list[FoldTables]) -> tuple[ModellingParameters, dict[str, Any] | None]:
    """Search for better settings where that is asked for; give those to train with, and what was found."""
    if not shared.parameters.search.trials:
        return shared.parameters, None
    from mayo_kedro.pipelines.modelling.search import search_settings  # noqa: PLC0415

    found = search_settings(shared, members)
    return found.parameters, found.describe()


def join_folds(
    parameters: ModellingParameters, monitor: TrainingMonitor, *parts: Any
) -> tuple[list[str], pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Join what came out of the folds.

    Args:
        parameters: settings of the training.
        monitor: knows the run under which it is tracked.
        parts: first the histories of all folds, then their predictions, their embeddings, their evidence and
            their summaries.

    Returns:
        Names of the models of this run; one row an epoch; one row a held-out image; its features, which
        compare within a `fold` only; one row for each of its parts; a summary.
    """
    count = len(parts) // 5
    *tables, summaries = (parts[first : first + count] for first in range(0, len(parts), count))
    summary = summarise_training(parameters, summaries)
    history, predictions, embeddings, evidence = (pd.concat(table, ignore_index=True) for table in tables)
    return (
        [f"fold_{fold}" for fold in summary["folds"]],
        history,
        predictions,
        embeddings,
        evidence,
        {**summary, "mlflow_run": monitor.tracked_run},
    )


def summarise_training(parameters: ModellingParameters, folds: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """Tell what was trained, how fast and in how much memory.

    Args:
        parameters: settings of the training.
        folds: the summaries of the folds.

    Returns:
        Plain values: `seconds` (of all folds together, the fetching and the predictions too),
        `images_per_second` (of the training epochs), `peak_memory_mb` (of a process; None where the system
        does not tell) and what the names say. `patients_trained` counts the patients that trained or stopped
        each fold's network; `search` holds the settings that a search has chosen for each fold, their loss,
        and how many trials there were.
    """
    seen = sum(fold["images_trained"] for fold in folds)
    peaks = [fold["peak_memory_mb"] for fold in folds if fold["peak_memory_mb"] is not None]
    return {
        "recipe": parameters.recipe,
        "backbone": parameters.backbone,
        "image_size": parameters.image_size,
        "seed": parameters.seed,
        "networks_per_fold": parameters.ensemble,
        "calibration": parameters.calibration,
        "folds": [fold["fold"] for fold in folds],
        "patients_trained": {f"fold_{fold['fold']}": fold["patients_trained"] for fold in folds},
        "seconds": round(sum(fold["seconds"] for fold in folds), 1),
        "images_per_second": round(seen / sum(fold["training_seconds"] for fold in folds), 1),
        "peak_memory_mb": max(peaks, default=None),
        "search": {
            f"fold_{fold['fold']}": {**fold["search"], "trials": len(fold["search"]["trials"])}
            for fold in folds
            if fold["search"]
        },
    }


def _peak_memory_mb() -> int | None:
    """The most memory this process has held, in MiB."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))
