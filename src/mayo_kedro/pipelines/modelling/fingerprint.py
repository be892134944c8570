"""What a training depends on, in one word: a checkpoint is only for the training that it was made by."""

import hashlib
import json
from importlib import resources
from pathlib import Path

import keras
import tensorflow as tf

from mayo_kedro.pipelines.modelling.folds import FoldTables
from mayo_kedro.pipelines.modelling.interfaces import BackboneWeights, ImageStream
from mayo_kedro.pipelines.modelling.parameters import ModellingParameters

WITHOUT_EFFECT = {
    "folds",
    "ensemble",
    "calibration",
    "checkpoint_epochs",
    "checkpoint_minutes",
    "devices",
    "memory_cache_mb",
    "search",
}
"""Settings that leave the course of a single training as it is."""


def fingerprint_training(
    parameters: ModellingParameters,
    tables: FoldTables,
    classes: tuple[str, ...],
    weights: BackboneWeights | None,
    images: ImageStream,
) -> str:
    """Hash the settings, the rows and their order, the backbone's weights, and the code that trains.

    Args:
        parameters: with the seed of this training.
        tables: the rows that train and that decide when to stop.
        classes: in order.
        weights: of the backbone.
        images: that are trained on.

    Returns:
        64 hex digits.
    """
    digest = hashlib.sha256()
    settings = parameters.model_dump(mode="json", exclude=WITHOUT_EFFECT)
    versions = {"keras": keras.__version__, "tensorflow": tf.__version__}
    digest.update(json.dumps([settings, classes, versions], sort_keys=True).encode())
    for table in (tables.training, tables.validation):
        rows = [] if table is None else table[["image", "int_labels"]].to_numpy().tolist()
        digest.update(json.dumps(rows).encode())
    order = images.fingerprint_order(tables.training["image"].tolist())
    digest.update((order or "").encode())
    if weights is not None:
        digest.update(_hash_file(weights.path))
    for module in sorted(resources.files(__package__).iterdir(), key=lambda file: file.name):
        if module.name.endswith(".py"):
            digest.update(module.read_bytes())
    return digest.hexdigest()


def _hash_file(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
