"""Checks of the data set: table, images and weights, read through the catalog as a run reads them."""

from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import fsspec
from kedro.io import DataCatalog

from mayo_kedro.commands.checks.finding import Check, Found, Level
from mayo_kedro.commands.connection import Setup
from mayo_kedro.errors import UserError

if TYPE_CHECKING:
    from mayo_kedro.streaming.images import StreamedImages

SAMPLED = 5

WEIGHTS_REMEDY = (
    "Put it there; or set modelling.weights in conf/base/parameters_modelling.yml to another, or to null to "
    "start at random."
)


def look_at_table(setup: Setup) -> Found:
    """Hold the table against the settings and the image files, as the first node of a run does."""
    from mayo_kedro.pipelines.columns import Columns  # noqa: PLC0415
    from mayo_kedro.pipelines.data_processing.nodes import check_labels  # noqa: PLC0415
    from mayo_kedro.pipelines.data_processing.parameters import DataProcessingParameters  # noqa: PLC0415
    from mayo_kedro.pipelines.data_processing.split_checks import refuse_impossible_split  # noqa: PLC0415

    catalog, given = _open(setup), setup.configuration["parameters"]
    parameters = DataProcessingParameters(**given["data_processing"])
    labels = check_labels(
        catalog.load("label_table"), catalog.load("clot_images"), Columns(**given["columns"]), parameters
    )
    refuse_impossible_split(labels, parameters.split)
    counts = ", ".join(f"{count} {label}" for label, count in labels["label"].value_counts().items())
    yield Level.OK, f"{len(labels)} images of {labels['patient'].nunique()} patients: {counts}", ""


def look_at_images(setup: Setup) -> Found:
    """Stream a few of the images and decode them."""
    images: StreamedImages = _open(setup).load("clot_images")
    if not len(images):
        raise UserError(
            "The table names no image.", "Check images.table in globals.yml of conf/base or conf/ENV."
        )
    yield Level.OK, describe_sample(images), ""


def describe_sample(images: "StreamedImages") -> str:
    """Stream a few images, evenly from the table, and tell their size and format.

    Raises:
        UserError: one of them did not arrive, or can't be decoded.
    """
    from PIL import Image  # noqa: PLC0415

    chosen = list(islice(images, 0, None, max(1, len(images) // SAMPLED)))[:SAMPLED]
    kinds = []
    for name, path in zip(chosen, images.stream(chosen), strict=True):
        height, width, _ = images[name].shape
        with Image.open(path) as opened:
            kinds.append(f"{opened.format}, {opened.mode}, {width} by {height}")
    return f"{len(chosen)} of {len(images)} opened: " + "; ".join(dict.fromkeys(kinds))


def look_at_weights(setup: Setup) -> Found:
    """Look for the file of weights; it is not fetched."""
    name = setup.configuration["parameters"]["modelling"]["weights"]
    if name is None:
        yield Level.OK, "none are asked for: the training starts at random", ""
        return
    folder = setup.globals["weights"]["folder"]
    address = setup.configuration["catalog"]["backbone_weights"]["filepath"]
    filesystem, path = fsspec.core.url_to_fs(address, **setup.configuration["credentials"]["dagshub"])
    present = {PurePosixPath(found).name for found in filesystem.ls(path, detail=False)}
    if name in present:
        yield Level.OK, f"{name} is in {folder}", ""
    else:
        said = f"{name} is not in {folder}, which has {', '.join(sorted(present)) or 'no file'}"
        yield Level.WRONG, said, WEIGHTS_REMEDY


def _open(setup: Setup) -> DataCatalog:
    return DataCatalog.from_config(setup.configuration["catalog"], setup.configuration["credentials"])


CHECKS = (Check("Table", look_at_table), Check("Images", look_at_images), Check("Weights", look_at_weights))
