"""What Kedro reads first: hooks, session, configuration."""

import logging
import os
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from fsspec import register_implementation
from kedro.framework.project import LOGGING as kedro_logging
from kedro.utils import find_kedro_project

from mayo_kedro import repository_settings as repository
from mayo_kedro.hooks import DataVersionHooks, InterruptHooks, SummaryHooks, TrackingHooks
from mayo_kedro.selected_folds import SelectedFoldsHooks
from mayo_kedro.session import MayoSession
from mayo_kedro.streaming.services import register_service

# MLflow prints two lines with addresses each time a run is left; the summary tells the run once.
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

# An image that can't be decoded would otherwise show TensorFlow's own traceback before our words.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Kedro's own handler does so too; the plain lines of a job have another.
logging.captureWarnings(True)

PROJECT = find_kedro_project(Path.cwd()) or Path.cwd()

# Kedro has looked for it in the working folder; a notebook's kernel starts in notebooks/.
logging_file = PROJECT / "conf" / "logging.yml"
if Path.cwd() != PROJECT and logging_file.is_file() and "KEDRO_LOGGING_CONFIG" not in os.environ:
    kedro_logging.configure(yaml.safe_load(logging_file.read_text()))

HOOKS = (SelectedFoldsHooks(), DataVersionHooks(), TrackingHooks(), InterruptHooks(), SummaryHooks())
SESSION_CLASS = MayoSession
# Set in a job that can't reach the tracking server, and on all but one of machines that train together.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro_mlflow",) if "MAYO_UNTRACKED" in os.environ else ()


def _ask_workspace_for_tracking() -> str:
    from kedro.config import OmegaConfigLoader  # noqa: PLC0415  a command in a thousand asks this

    from mayo_kedro.runners.backends import load_settings, make_backend  # noqa: PLC0415

    configuration = OmegaConfigLoader(str(PROJECT / "conf"), env="azure", **CONFIG_LOADER_ARGS)
    return make_backend(load_settings(configuration), configuration).tracking_uri()


CONFIG_LOADER_ARGS: dict[str, Any] = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {"runner": ["runner*"], "azureml": ["azureml*"]},
    # Another environment changes single settings, not whole top-level keys.
    "merge_strategy": {"parameters": "soft", "mlflow": "soft", "catalog": "soft", "globals": "soft"},
    "custom_resolvers": {
        "project": lambda path: str(PROJECT / path),
        # Where a job finds again what it made before it was interrupted; here the project's own folder.
        "kept": lambda path: str(Path(os.environ.get("MAYO_KEPT", PROJECT)) / path),
        "checkpoint_folder": lambda: os.environ.get(
            "MAYO_CHECKPOINTS", str(PROJECT / "data/06_models/checkpoints")
        ),
        "repository_address": repository.repository_address,
        "repository_host": repository.repository_host,
        "publishes": repository.publishes,
        "tracking_uri": partial(
            repository.tracking_uri, project=PROJECT, ask_workspace=_ask_workspace_for_tracking
        ),
        "artifact_location": lambda server: None if server else str(PROJECT / "mlruns"),
    },
}

# In a job the project lies there as files: without an installation no entry point tells fsspec of it.
register_implementation("dagshub", "mayo_kedro.streaming.filesystem.DagsHubFileSystem")

# Here and not in a hook: Kedro-Viz and notebooks load the catalog without hooks.
register_service(repository.SANDBOX, partial(repository.start_sandbox, PROJECT))
