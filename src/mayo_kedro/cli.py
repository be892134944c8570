"""The project's own commands, beside Kedro's: `kedro azure`."""

import click
from kedro.framework.cli.utils import LazyGroup

COMMANDS = {"azure": "mayo_kedro.commands.azure.azure"}


@click.group(cls=LazyGroup, name="mayo_kedro", lazy_subcommands=COMMANDS)
def cli() -> None:
    """Commands of mayo-kedro."""
