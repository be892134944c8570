"""`kedro azure cancel`."""

import click

from mayo_kedro.commands.arguments import RunId, environment_option, find_project
from mayo_kedro.commands.connection import connect
from mayo_kedro.runners.records import list_records


@click.command()
@click.argument("run_id", type=RunId())
@environment_option
@click.pass_context
def cancel(context: click.Context, run_id: str, environment: str) -> None:
    """End a job. What it has left in outputs/ is kept; its secrets are deleted."""
    backend = connect(context, environment).backend
    # Whoever sent it does this too, unless that process has ended.
    for record in list_records(find_project(context)):
        for name in record.secrets if record.run_id == run_id else ():
            backend.delete_secret(name)
    before = backend.state(run_id)
    if before.status.is_over:
        click.echo(f"The job {run_id} is over: {before.word}.")
        return
    backend.cancel(run_id)
    click.echo(f"The service was asked to end the job {run_id}: {backend.state(run_id).word}.")
