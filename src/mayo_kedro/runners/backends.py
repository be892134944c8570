"""Which service runs the jobs: the one place to add another."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kedro.config import AbstractConfigLoader, MissingConfigException

from mayo_kedro.runners.job import EnvironmentSpec, JobBackend
from mayo_kedro.runners.settings import AzureMLSettings, read_settings

JOB_CONTEXT = "mayo_kedro.runners.azure.context.AzureJobContext"
"""What a job asks for its secrets."""


def load_settings(configuration: AbstractConfigLoader) -> AzureMLSettings:
    """Read azureml.yml.

    Args:
        configuration: of an environment such as azure.

    Raises:
        UserError: a setting is wrong.
    """
    return read_settings(_read(configuration, "azureml"))


def make_backend(settings: AzureMLSettings, configuration: AbstractConfigLoader) -> JobBackend:
    """Make the service's client; it connects when it is first asked something.

    Args:
        settings: from `load_settings`.
        configuration: its credentials.yml may have an entry `azureml`.
    """
    from mayo_kedro.runners.azure.backend import AzureMLBackend  # noqa: PLC0415  only a run with jobs needs it

    return AzureMLBackend(settings, _read(configuration, "credentials").get("azureml"))


def describe_environment(project: Path, settings: AzureMLSettings) -> EnvironmentSpec:
    """The container of the project's jobs.

    Args:
        project: the project's folder.
        settings: name the image below it.
    """
    from mayo_kedro.runners.azure.environment import make_environment  # noqa: PLC0415

    return make_environment(project, settings.base_image)


def _read(configuration: AbstractConfigLoader, name: str) -> Mapping[str, Any]:
    try:
        return dict(configuration[name])
    except MissingConfigException:
        return {}
