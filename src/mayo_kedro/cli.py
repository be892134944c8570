"""The project's own commands, beside Kedro's: `kedro init`, `doctor`, `package` and `azure`."""

import click
from kedro.framework.cli.utils import LazyGroup

COMMANDS = {
    "azure": "mayo_kedro.commands.azure.azure",
    "doctor": "mayo_kedro.commands.setup.doctor.doctor",
    "init": "mayo_kedro.commands.setup.init.init",
    "package": "mayo_kedro.commands.package.package",
}


@click.group(cls=LazyGroup, name="mayo_kedro", lazy_subcommands=COMMANDS)
def cli() -> None:
    """Commands of mayo-kedro."""
