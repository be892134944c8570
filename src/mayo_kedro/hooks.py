"""What happens around a run: it is tracked in MLflow, and ends with a summary."""

import logging
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import ModuleType
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from pydantic import BaseModel

from mayo_kedro.interrupts import was_interrupted
from mayo_kedro.progress import results
from mayo_kedro.repository_settings import log_in_to_tracking
from mayo_kedro.streaming.revisions import forget_pins, is_commit, pin

logger = logging.getLogger(__name__)

VERSION = "data_version"
"""The catalog entry that notes which commit was read."""

EVERYTHING = "__default__"
"""The name of the whole pipeline, and so of its tracked run, until its recipe gives a better one."""

FRESH = {"slides", "new_images"}
"""Inputs that are read as they are now, and not as they were at the last training."""


class TrackingHooks:
    """Adds to kedro-mlflow's run what that plugin leaves out.

    kedro-mlflow has datasets of its own for artifacts and models; they would hide the previews from
    Kedro-Viz and make every command import TensorFlow. So catalog entries say with
    `metadata: {mlflow: ...}` what is to be tracked, and stay what they are: `metrics` logs a flat
    dictionary, `artifact` the saved file, `model` a Keras model, `pyfunc` a folder in MLflow's own layout.
    """

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Log in to the tracking server, and quieten MLflow on migrations and on pip, which .venv lacks.

        conf/logging.yml can't: MLflow resets the levels below its own logger when it is imported.
        """
        globals_ = context.config_loader["globals"]
        log_in_to_tracking(globals_["mlflow_server"], globals_["repository"])
        for name in ("mlflow.store.db.utils", "mlflow.utils.environment"):
            logging.getLogger(name).setLevel(logging.ERROR)

    @hook_impl(trylast=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Remember the catalog, which the dataset hooks are not given, and tag the data's version."""
        self._catalog = catalog
        mlflow, version = _active_mlflow(), _find_recorded_version(pipeline, catalog)
        if mlflow is not None and version is not None:
            mlflow.set_tags({f"data.{key}": value for key, value in version.items()})

    @hook_impl
    def before_node_run(self, inputs: dict[str, Any]) -> None:
        """Log each field of a validated parameter model, which kedro-mlflow logs as one text."""
        mlflow = _active_mlflow()
        if mlflow is None:
            return
        for name, value in inputs.items():
            if isinstance(value, BaseModel):
                fields = value.model_dump(mode="json")
                mlflow.log_params(dict(_flatten(fields, name.removeprefix("params:"))))
            if name == "params:modelling" and mlflow.active_run().info.run_name == EVERYTHING:
                mlflow.set_tag("mlflow.runName", f"{value.recipe} {value.backbone}")

    @hook_impl
    def after_dataset_loaded(self, dataset_name: str, data: Any) -> None:
        """Tag the run with the data's repository and commit."""
        mlflow = _active_mlflow()
        if mlflow is not None and dataset_name == "data_source":
            mlflow.set_tags({f"data.{key}": value for key, value in data.items()})

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:
        """Log what the catalog marks for tracking."""
        mlflow = _active_mlflow()
        if mlflow is None:
            return
        dataset = self._catalog.get(dataset_name)
        if getattr(dataset, "tracked", False):  # by the job that made it
            return
        metadata = getattr(dataset, "metadata", None) or {}
        match metadata.get("mlflow"):
            case "metrics":
                numbers = {name: value for name, value in data.items() if isinstance(value, int | float)}
                mlflow.log_metrics(numbers)
            case "artifact":
                mlflow.log_artifact(_find_file(self._catalog, dataset_name), "reporting")
            case "model":
                _log_model(mlflow, dataset_name.removesuffix("_model"), data)
            case "pyfunc":
                log_folder(mlflow, dataset_name, Path(_find_file(self._catalog, dataset_name)))
        if dataset_name == "metrics":
            # The run's description, in Markdown.
            mlflow.set_tag("mlflow.note.content", "\n\n".join(_list_headlines(data)))


class DataVersionHooks:
    """Has everything read at one commit, from the first run on a data set to the last that builds on it."""

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Let branches mean their tips anew, or what they meant when the run's inputs were made."""
        forget_pins()
        version = _find_recorded_version(pipeline, catalog)
        if version is None or not is_commit(version["commit"]):
            return
        pin(version["host"], version["repository"], version["branch"], version["commit"])
        logger.info(
            "Reading %s at commit %s, as the data processing did.",
            version["repository"],
            version["commit"][:10],
        )


def _find_recorded_version(pipeline: Pipeline, catalog: DataCatalog) -> dict[str, str] | None:
    """What was read when the inputs of this run were made; None if it makes them itself."""
    begins_here = VERSION in pipeline.datasets() or not FRESH.isdisjoint(pipeline.inputs())
    if begins_here or VERSION not in catalog or not catalog.exists(VERSION):
        return None
    return dict(catalog.load(VERSION))


class InterruptHooks:
    """Has a run that Ctrl-C ended noted as one that the user ended, also where a library made it an error."""

    @hook_impl(tryfirst=True)
    def on_pipeline_error(self) -> None:
        """Go on with what it really was, before kedro-mlflow calls the run failed.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed.
        """
        if was_interrupted():
            raise KeyboardInterrupt


class SummaryHooks:
    """Says at the end what was made, where it lies and what to do next."""

    @hook_impl(trylast=True)
    def after_pipeline_run(self, pipeline: Any, catalog: DataCatalog) -> None:
        """Print the summary after a run that made one of the last results of a pipeline."""
        made = pipeline.all_outputs()
        summarize = next((summarize for last, summarize in SUMMARIES.items() if last in made), None)
        if summarize is not None:
            results.info("Done.\n%s", "\n".join(f"  {line}" for line in summarize(catalog)))


def _summarize_report(catalog: DataCatalog) -> Iterator[str]:
    yield from _list_headlines(catalog.load("metrics"))
    yield f"Report: {_place(catalog, 'report')}"
    yield f"Metrics: {_place(catalog, 'metrics')}"
    yield MODELS
    yield from _describe_tracked_run()
    yield "Next: open the report; `kedro viz run` shows the pipeline; `mlflow ui` compares runs."


def _summarize_training(_: DataCatalog) -> Iterator[str]:
    yield MODELS
    yield from _describe_tracked_run()
    yield "Next: `kedro run --pipeline reporting` judges them."


def _summarize_prediction(catalog: DataCatalog) -> Iterator[str]:
    yield f"Patients: {_place(catalog, 'predicted_patients')}"
    yield f"Images: {_place(catalog, 'predicted_images')}"
    yield f"In the competition's form: {_place(catalog, 'submission')}"


MODELS = "Models: data/06_models/"

SUMMARIES = {
    "report": _summarize_report,
    "submission": _summarize_prediction,
    "predictor": _summarize_training,
}
"""By the last result that a run makes."""


def _active_mlflow() -> ModuleType | None:
    mlflow = sys.modules.get("mlflow")
    return mlflow if mlflow is not None and mlflow.active_run() is not None else None


def _flatten(fields: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}.{name}")
        else:
            yield f"{prefix}.{name}", value


def _log_model(mlflow: ModuleType, name: str, model: Any) -> None:
    import numpy as np  # noqa: PLC0415  like TensorFlow, only for a run that made models
    from mlflow.models import infer_signature  # noqa: PLC0415

    example = np.zeros((1, *model.input_shape[1:]), np.uint8)
    described = {
        "signature": infer_signature(example, np.asarray(model(example))),
        # Without this list MLflow imports the model again to find it out: twenty seconds.
        "pip_requirements": ["keras", "tensorflow"],
    }
    if not mlflow.get_tracking_uri().startswith("azureml:"):
        mlflow.keras.log_model(model, name=name, **described)
        return
    # Azure ML's server has no logged models: there it is a folder that MLflow loads as well.
    with TemporaryDirectory() as folder:
        mlflow.keras.save_model(model, f"{folder}/{name}", **described)
        mlflow.log_artifacts(f"{folder}/{name}", name)


def log_folder(mlflow: ModuleType, name: str, folder: Path) -> None:
    """Log a model that was saved, with all that it was saved with."""
    if mlflow.get_tracking_uri().startswith("azureml:"):
        mlflow.log_artifacts(folder, name)
        return
    saved = mlflow.models.Model.load(folder)
    flavor = saved.flavors["python_function"]
    mlflow.pyfunc.log_model(
        name=name,
        loader_module=flavor["loader_module"],
        data_path=str(folder / flavor["data"]),
        code_paths=[str(path) for path in (folder / flavor["code"]).iterdir()],
        signature=saved.signature,
        pip_requirements=str(folder / "requirements.txt"),
    )


def _list_headlines(metrics: Mapping[str, float]) -> list[str]:
    measures = {
        "patient_auc": "AUC by patient",
        "patient_weighted_log_loss": "Weighted log loss by patient",
    }
    return [_headline(metrics, name, words) for name, words in measures.items()]


def _headline(metrics: Mapping[str, float], name: str, words: str) -> str:
    low, high, constant = (metrics[f"{name}{end}"] for end in ("_low", "_high", "_constant"))
    return f"{words}: {metrics[name]:.3f} [{low:.3f}, {high:.3f}], a constant guess has {constant:.3f}"


def _find_file(catalog: DataCatalog, name: str) -> str:
    # Kedro has no public name for where a dataset lies; its own plugins read this one too.
    return str(catalog.get(name)._filepath)  # type: ignore[union-attr]


def _place(catalog: DataCatalog, name: str) -> str:
    path = Path(_find_file(catalog, name))
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _describe_tracked_run() -> list[str]:
    mlflow = _active_mlflow()
    return [f"MLflow run: {mlflow.active_run().info.run_id}"] if mlflow else []
