"""A predictor as a model of MLflow's, on this disk or where MLflow keeps it."""

import shutil
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kedro.io import AbstractDataset

from mayo_kedro.errors import UserError
from mayo_kedro.predictor import Predictor, describe_answer

LOADER = "mayo_kedro.prediction_model"
"""The module that opens the folder again, wherever it is served."""

KEPT_BY_MLFLOW = ("models:/", "runs:/")
"""How addresses of MLflow's begin."""

PACKAGE = Path(__file__).resolve().parents[1]

REQUIRED = (
    "filelock",
    "fsspec",
    "keras",
    "kedro",
    "numpy",
    "pandas",
    "pillow",
    "platformdirs",
    "pyarrow",
    "pydantic",
    "rich",
    "scikit-learn",
    "tensorflow",
)
"""What the model imports; MLflow adds itself."""


class PredictorDataset(AbstractDataset[Predictor, Predictor]):
    """Saves a `Predictor` as a model that `mlflow models serve` runs without this project; loads it again.

    Example of a catalog entry::

        predictor:
          type: mayo_kedro.datasets.PredictorDataset
          filepath: data/06_models/predictor

    Args:
        filepath: a folder of this disk; or, to load only, what MLflow calls the model:
            `models:/name/version`, `runs:/run/predictor`.
        metadata: for Kedro's plugins and the tracking.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = filepath
        self.metadata = metadata

    def save(self, data: Predictor) -> None:
        """Write the model in place of an earlier one.

        Raises:
            UserError: the place is not on this disk.
        """
        if not self._is_here:
            raise UserError(
                f"A training can't save its predictor as {self._filepath}, which MLflow keeps.",
                "Leave --params predictor=… to the prediction pipeline.",
            )
        folder = Path(self._filepath)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".") as scratch:
            written, saved = Path(scratch) / "predictor", Path(scratch) / "model"
            data.write(written)
            self._save_model(written, saved, data.classes)
            shutil.rmtree(folder, ignore_errors=True)
            saved.rename(folder)

    @staticmethod
    def _save_model(written: Path, folder: Path, classes: tuple[str, ...]) -> None:
        import mlflow  # noqa: PLC0415  Kedro imports this file for every command

        mlflow.pyfunc.save_model(
            path=folder,
            loader_module=LOADER,
            data_path=str(written),
            code_paths=[str(PACKAGE)],
            signature=_describe_signature(classes),
            # Without this list MLflow would load the model in another process to find it out.
            pip_requirements=[f"{name}=={version(name)}" for name in REQUIRED],
        )

    def load(self) -> Predictor:
        """Read the predictor; the networks stay files.

        Raises:
            UserError: it is not there, or it is another kind of model.
        """
        folder = Path(self._filepath) if self._is_here else self._download()
        if not (folder / "MLmodel").is_file():
            raise UserError(
                f"There is no predictor in {folder}: no training has ended here yet.",
                "Train first, with `kedro run` or `kedro run --pipeline modelling`, or name one of MLflow's: "
                "--params predictor=runs:/RUN/predictor.",
            )
        from mlflow.models import Model  # noqa: PLC0415

        flavor = Model.load(folder).flavors.get("python_function", {})
        if flavor.get("loader_module") != LOADER:
            raise UserError(
                f"{self._filepath} is not a predictor but another model of MLflow's.",
                "Name the model `predictor` of a run of the modelling: runs:/RUN/predictor.",
            )
        return Predictor.read(folder / flavor["data"])

    def _download(self) -> Path:
        import mlflow  # noqa: PLC0415

        try:
            return Path(mlflow.artifacts.download_artifacts(self._filepath))
        except (mlflow.MlflowException, OSError) as error:
            raise UserError(
                f"MLflow does not give {self._filepath}: {str(error).splitlines()[0]}",
                "Name a model that `mlflow ui` shows, as runs:/RUN/predictor or models:/NAME/VERSION, on the "
                "server that mlflow_server in globals.yml of conf/base or conf/ENV names.",
            ) from error

    @property
    def _is_here(self) -> bool:
        return not self._filepath.startswith(KEPT_BY_MLFLOW)

    def _exists(self) -> bool:
        return not self._is_here or (Path(self._filepath) / "MLmodel").is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


def _describe_signature(classes: tuple[str, ...]) -> Any:
    """Encoded images and, if it is known, whose they are, to a table of patients."""
    from mlflow.models import ModelSignature  # noqa: PLC0415
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema  # noqa: PLC0415

    image = ColSpec(DataType.binary, "image")
    patient = ColSpec(DataType.string, "patient", required=False)
    level = ParamSpec("level", DataType.string, "patients")
    answer = [ColSpec(DataType[kind], name) for name, kind in describe_answer(classes).items()]
    return ModelSignature(Schema([image, patient]), Schema(answer), ParamSchema([level]))
