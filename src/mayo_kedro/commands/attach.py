"""`kedro azure attach`."""

import click

from mayo_kedro.commands.arguments import find_project, run_id_argument


@click.command()
@run_id_argument
@click.pass_context
def attach(context: click.Context, run_id: str) -> None:
    """Pick up a job whose sender has ended.

    It is watched, its results are brought here, and the pipeline is finished.
    """
    from mayo_kedro.runners.attaching import attach as pick_up  # noqa: PLC0415  only this command sends jobs

    pick_up(run_id, find_project(context))
