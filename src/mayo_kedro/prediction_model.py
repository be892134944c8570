"""The predictor as MLflow serves it: encoded images in, a table of patients or of images out.

MLflow imports this module by its name, from the copy of the package that lies beside the model.
"""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from fsspec.implementations.local import LocalFileSystem

from mayo_kedro.errors import UserError
from mayo_kedro.pipelines.prediction import networks, seeing, tables
from mayo_kedro.pipelines.prediction.parameters import PredictionParameters
from mayo_kedro.predictor import Predictor
from mayo_kedro.streaming.new_images import NewImages

LEVELS = ("patients", "images")


class PredictionModel:
    """Predicts encoded images.

    Args:
        predictor: what was trained.
    """

    def __init__(self, predictor: Predictor) -> None:
        self._parameters = PredictionParameters(**predictor.parameters)
        self._opened = networks.open_predictor(predictor, self._parameters)

    def predict(self, model_input: pd.DataFrame, params: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Predict images and their patients.

        Args:
            model_input: one row an image: `image`, the bytes of the encoded file, and maybe `patient`. Rows
                of the same patient are judged together, and one without is a patient of its own.
            params: `level`, "patients" or "images".

        Returns:
            The table of `judge_patients`, or of `judge_images`, where images are named by the number of their
            row, from 0.

        Raises:
            UserError: the level is another.
        """
        level = str((params or {}).get("level", LEVELS[0]))
        if level not in LEVELS:
            raise UserError(f"The level {level!r} is unknown.", f"Ask for one of: {', '.join(LEVELS)}.")
        table = _tabulate(model_input)
        # A folder: the files take the same way as those of the prediction pipeline.
        with TemporaryDirectory() as folder:
            for name, image in zip(table["image"], model_input["image"], strict=True):
                (Path(folder) / name).write_bytes(image)
            told = self._see(folder, table)
        classes = self._opened.classes
        images = tables.judge_images(told, table, classes)
        if level == "images":
            return images
        return tables.judge_patients(told, images, classes, self._parameters.refused_share)

    def _see(self, folder: str, table: pd.DataFrame) -> pd.DataFrame:
        files = {name: name for name in table["image"]}
        images = NewImages(LocalFileSystem(), folder, files, table)
        seen = list(seeing.see_images(self._opened, images, table, self._parameters.batch_size))
        return seeing.tabulate_networks(table, seen, self._opened.classes)


def _tabulate(model_input: pd.DataFrame) -> pd.DataFrame:
    names = pd.DataFrame({"image": [str(number) for number in range(len(model_input))]})
    if "patient" in model_input:
        names["patient"] = model_input["patient"].to_numpy()
    return tables.name_patients(names)


def _load_pyfunc(path: str) -> PredictionModel:
    """Open the model; MLflow calls this."""
    return PredictionModel(Predictor.read(Path(path)))
