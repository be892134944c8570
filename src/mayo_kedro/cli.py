"""The project's own commands, beside Kedro's: `kedro init`, `doctor`, `package`, `run` and `azure`."""

import click
from kedro.framework.cli.utils import LazyGroup

COMMANDS = {
    "azure": "mayo_kedro.commands.azure.azure",
    "doctor": "mayo_kedro.commands.setup.doctor.doctor",
    "init": "mayo_kedro.commands.setup.init.init",
    "package": "mayo_kedro.commands.package.package",
    "run": "mayo_kedro.commands.run.run",
}


@click.group(cls=LazyGroup, name="mayo_kedro", lazy_subcommands=COMMANDS)
def cli() -> None:
    """Commands of mayo-kedro."""
