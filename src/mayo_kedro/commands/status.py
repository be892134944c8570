"""`kedro azure status`."""

from datetime import datetime

import click

from mayo_kedro.commands.arguments import RunId, environment_option
from mayo_kedro.commands.connection import Connection, connect
from mayo_kedro.errors import UserError
from mayo_kedro.runners.job import ComputeState, JobState, JobStatus
from mayo_kedro.runners.machine_settings import MACHINES_TAG
from mayo_kedro.runners.records import Record, list_records
from mayo_kedro.runners.settings import AzureMLSettings
from mayo_kedro.runners.watching.job_progress import Price, describe_seconds

LISTED = 10


@click.command()
@click.argument("run_id", type=RunId(), required=False)
@environment_option
@click.pass_context
def status(context: click.Context, run_id: str | None, environment: str) -> None:
    """Tell what jobs are doing.

    Of RUN_ID state, time and cost; without it the state of each job sent from here. And how many machines
    are up. The exit code is 1 if the job that was asked for failed or was cancelled.
    """
    connection = connect(context, environment)
    state = connection.backend.state(run_id) if run_id else None
    if state is None:
        show_jobs(connection)
    else:
        for name, told in describe_state(state, connection.settings).items():
            click.echo(f"{name + ':':10}{told}")
    for name in dict.fromkeys(machines.compute.name for machines in connection.settings.list_machines()):
        click.echo(describe_compute(name, connection.backend.find_compute(name)))
    context.exit(1 if state and state.status in (JobStatus.FAILED, JobStatus.CANCELLED) else 0)


def show_jobs(connection: Connection) -> None:
    """Print a line for each of the jobs that were sent last from here."""
    records = list_records(connection.project)[:LISTED]
    if not records:
        click.echo("No job has been sent from here yet.")
        return
    for record in records:
        sent = datetime.fromisoformat(record.submitted).astimezone()
        # Lines and no table: an id must not be cut where a terminal is narrow.
        click.echo(f"{sent:%Y-%m-%d %H:%M}  {_word(connection, record):12}{record.run_id}")


def _word(connection: Connection, record: Record) -> str:
    try:
        return connection.backend.state(record.run_id).word
    except UserError as error:  # of another workspace, or removed there
        return f"{error.what} "


def describe_state(state: JobState, settings: AzureMLSettings) -> dict[str, str]:
    """Words by heading, without what is not known.

    Args:
        state: of the job.
        settings: the price and the number of machines.
    """
    seconds = state.seconds_running or 0.0
    told = {
        "Job": state.run_id,
        "State": state.word,
        "Attempt": str(state.attempt) if state.attempt > 1 else "",
        "Running": describe_seconds(seconds),
        "Cost": Price.of(settings.machines(state.tags.get(MACHINES_TAG, ""))).tell(seconds),
        "Error": state.error,
        "Page": state.page,
    }
    return {name: words for name, words in told.items() if words}


def describe_compute(name: str, compute: ComputeState | None) -> str:
    """One line on the machines that are paid for."""
    if compute is None:
        return f"Cluster {name}: not made yet."
    busy = f", {compute.running_nodes} of them working" if compute.nodes else ""
    return f"Cluster {name}: {compute.nodes} of at most {compute.max_nodes} machines up{busy}."
