"""From the command line to the configuration and the workspace: nothing else of Kedro is started."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from kedro.config import AbstractConfigLoader

from mayo_kedro.commands.arguments import find_project
from mayo_kedro.mistakes import require_environment
from mayo_kedro.runners.backends import load_settings, make_backend
from mayo_kedro.runners.job import JobBackend
from mayo_kedro.runners.settings import AzureMLSettings


@dataclass(frozen=True)
class Setup:
    """The project as one environment of its configuration sets it up.

    Attributes:
        project: the project's folder.
        configuration: reads the files of the environment.
    """

    project: Path
    configuration: AbstractConfigLoader

    @property
    def globals(self) -> dict[str, Any]:
        """The settings of globals.yml."""
        return dict(self.configuration["globals"])


@dataclass(frozen=True)
class Connection(Setup):
    """What a command that sees to jobs works with.

    Attributes:
        settings: of azureml.yml.
        backend: the workspace.
    """

    settings: AzureMLSettings
    backend: JobBackend


def connect(context: click.Context, environment: str) -> Connection:
    """Read the settings; the workspace is only asked when something of it is needed.

    Args:
        context: of the command.
        environment: of the configuration.

    Raises:
        UserError: a mistake in the settings.
    """
    project = find_project(context)
    configuration = load_configuration(project, environment)
    settings = load_settings(configuration)
    return Connection(project, configuration, settings, make_backend(settings, configuration))


def load_configuration(project: Path, environment: str) -> AbstractConfigLoader:
    """Make the reader of the project's configuration.

    Raises:
        UserError: there is no such environment.
    """
    from kedro.framework.project import settings  # noqa: PLC0415  imports the project's settings

    source = project / settings.CONF_SOURCE
    require_environment(source, environment)
    loader: AbstractConfigLoader = settings.CONFIG_LOADER_CLASS(
        conf_source=str(source), env=environment, **settings.CONFIG_LOADER_ARGS
    )
    return loader
