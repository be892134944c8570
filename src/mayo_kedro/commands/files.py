"""`kedro azure files`."""

import click

from mayo_kedro.commands.arguments import environment_option, run_id_argument
from mayo_kedro.commands.connection import connect


@click.command()
@run_id_argument
@environment_option
@click.pass_context
def files(context: click.Context, run_id: str, environment: str) -> None:
    """List the files that a job has left, one a line."""
    for path in sorted(connect(context, environment).backend.files(run_id)):
        click.echo(path)
