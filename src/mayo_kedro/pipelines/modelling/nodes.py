"""The node of the modelling pipeline."""

import sys
import time
from typing import TYPE_CHECKING, Any

import pandas as pd

from mayo_kedro.pipelines.columns import Columns
from mayo_kedro.pipelines.modelling.folds import split_folds
from mayo_kedro.pipelines.modelling.interfaces import ImageStream, TrainingMonitor, WeightFiles
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters

if TYPE_CHECKING:
    from mayo_kedro.pipelines.modelling.training import TrainedFold


def train_folds(
    splits: pd.DataFrame,
    images: ImageStream,
    backbone_weights: WeightFiles,
    columns: Columns,
    parameters: ModellingParameters,
    monitor: TrainingMonitor,
) -> tuple[dict[str, Any], pd.DataFrame, pd.DataFrame, dict[str, Any]]:
    """Train a network for each selected fold on the others, and predict the fold with it.

    Args:
        splits: the checked table with `fold`.
        images: streams the encoded images.
        backbone_weights: the files with pretrained weights, by name.
        columns: names the classes.
        parameters: settings of the training.
        monitor: is told how the training goes.

    Returns:
        Keras models by the name of their fold; one row an epoch; one row for each held-out
        image with a probability for each class; a summary.

    Raises:
        UserError: a fold, an image or the weights are not fit to train with.
    """
    # TensorFlow takes seconds to import, and Kedro imports this file for every command.
    from mayo_kedro.pipelines.modelling.pixels import open_pixels  # noqa: PLC0415
    from mayo_kedro.pipelines.modelling.training import Training, train_fold  # noqa: PLC0415

    started = time.monotonic()
    folds = split_folds(splits, columns, parameters)
    ids = splits["image"].tolist()
    pixels = open_pixels(
        images, ids, parameters.image_size, parameters.memory_cache_mb, parameters.unreadable_share
    )
    weights = backbone_weights[parameters.weights] if parameters.weights else None
    training = Training(parameters, columns.ordered_classes, pixels, weights, monitor)
    trained = [train_fold(training, tables) for tables in folds]
    models = {f"fold_{result.fold}": result.network for result in trained}
    history = pd.concat([result.history for result in trained], ignore_index=True)
    predictions = pd.concat([result.predictions for result in trained], ignore_index=True)
    summary = summarise_training(parameters, trained, time.monotonic() - started)
    return models, history, predictions, {**summary, "mlflow_run": monitor.tracked_run}


def summarise_training(
    parameters: ModellingParameters, trained: "list[TrainedFold]", seconds: float
) -> dict[str, Any]:
    """Tell what was trained, how fast and in how much memory.

    Args:
        parameters: settings of the training.
        trained: the results of the folds.
        seconds: wall time of everything, the fetching and the predictions too.

    Returns:
        Plain values: `seconds`, `images_per_second` (of the training epochs), `peak_memory_mb` (of this
        process; None where the system does not tell) and what the names say. `patients_trained` counts
        the patients that trained or stopped each fold's network.
    """
    seen = sum(result.images_trained for result in trained)
    fit_seconds = sum(result.fit_seconds for result in trained)
    return {
        "backbone": parameters.backbone,
        "image_size": parameters.image_size,
        "seed": parameters.seed,
        "folds": [result.fold for result in trained],
        "patients_trained": {f"fold_{result.fold}": result.patients_trained for result in trained},
        "seconds": round(seconds, 1),
        "images_per_second": round(seen / fit_seconds, 1),
        "peak_memory_mb": _peak_memory_mb(),
    }


def _peak_memory_mb() -> int | None:
    """The most memory this process has held, in MiB."""
    try:
        import resource  # noqa: PLC0415 - not on Windows
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))
