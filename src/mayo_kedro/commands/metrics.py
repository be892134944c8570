"""`kedro azure metrics`."""

import json

import click

from mayo_kedro.commands.arguments import environment_option, run_id_argument
from mayo_kedro.commands.connection import connect


@click.command()
@run_id_argument
@environment_option
@click.pass_context
def metrics(context: click.Context, run_id: str, environment: str) -> None:
    """Print what a job logged.

    These are the metrics that it sent to the workspace, as JSON; a list where a name was logged repeatedly.
    """
    logged = connect(context, environment).backend.metrics(run_id)
    click.echo(json.dumps(dict(sorted(logged.items())), indent=1))
