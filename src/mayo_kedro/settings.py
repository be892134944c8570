"""What Kedro reads first: hooks, session, configuration."""

import os
from functools import partial
from pathlib import Path

from kedro.utils import find_kedro_project

from mayo_kedro import repository_settings as repository
from mayo_kedro.hooks import DataVersionHooks, SummaryHooks, TrackingHooks
from mayo_kedro.session import MayoSession
from mayo_kedro.streaming.services import register_service

# An image that can't be decoded would otherwise show TensorFlow's own traceback before our words.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PROJECT = find_kedro_project(Path.cwd()) or Path.cwd()

# Kedro looks for it below the working folder only; a notebook's kernel starts in notebooks/.
if (PROJECT / "conf" / "logging.yml").is_file():
    os.environ.setdefault("KEDRO_LOGGING_CONFIG", str(PROJECT / "conf" / "logging.yml"))

HOOKS = (DataVersionHooks(), TrackingHooks(), SummaryHooks())
SESSION_CLASS = MayoSession

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    # Another environment changes single settings, not whole top-level keys.
    "merge_strategy": {"parameters": "soft", "mlflow": "soft", "catalog": "soft", "globals": "soft"},
    "custom_resolvers": {
        "project": lambda path: str(PROJECT / path),
        "repository_address": repository.repository_address,
        "repository_host": repository.repository_host,
        "publishes": repository.publishes,
        "tracking_uri": lambda server: server or f"sqlite:///{PROJECT / 'mlflow.db'}",
        "artifact_location": lambda server: None if server else str(PROJECT / "mlruns"),
    },
}

# Here and not in a hook: Kedro-Viz and notebooks load the catalog without hooks.
register_service(repository.SANDBOX, partial(repository.start_sandbox, PROJECT))
