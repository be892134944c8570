"""`kedro azure logs`."""

import os

import click

from mayo_kedro.commands.arguments import environment_option, run_id_argument
from mayo_kedro.commands.connection import Connection, connect
from mayo_kedro.runners.job import JobState, JobStatus
from mayo_kedro.runners.machine_settings import MACHINES_TAG
from mayo_kedro.runners.watching.display import JobDisplay
from mayo_kedro.runners.watching.events import take_event
from mayo_kedro.runners.watching.following import follow as follow_job
from mayo_kedro.runners.watching.job_log import LogReader
from mayo_kedro.runners.watching.job_progress import Price


@click.command()
@run_id_argument
@click.option("--follow", "-f", is_flag=True, help="Go on until the job is over.")
@environment_option
@click.pass_context
def logs(context: click.Context, run_id: str, follow: bool, environment: str) -> None:
    """Print what a job has written.

    With --follow it goes on live, with the job's progress, until the job is over; the exit code is then 1 if
    it failed or was cancelled. Ctrl-C ends the watching, and the job goes on.
    """
    connection = connect(context, environment)
    if not follow:
        print_log(connection, run_id)
        return
    state = watch(connection, run_id)
    context.exit(0 if state.status is JobStatus.COMPLETED else 1)


def print_log(connection: Connection, run_id: str) -> None:
    """Print the log so far, but for the events in it, which are for the display."""
    backend = connection.backend
    reader = LogReader(lambda position, seen: backend.read_log(run_id, position, seen), _secrets(connection))
    for line in reader.read(to_the_end=backend.state(run_id).status.is_over):
        text, event = take_event(line)
        if text or event is None:
            click.echo(text)


def watch(connection: Connection, run_id: str) -> JobState:
    """Follow a job to its end; one that waits is not given up, as whoever sent it sees to that."""
    tag = connection.backend.state(run_id).tags.get(MACHINES_TAG, "")
    with JobDisplay(Price.of(connection.settings.machines(tag))) as display:
        return follow_job(
            connection.backend, run_id, display, queue_minutes=float("inf"), secrets=_secrets(connection)
        )


def _secrets(connection: Connection) -> list[str]:
    return [os.environ.get(name, "") for name in connection.settings.secrets]
