"""What the commands share on the command line: which environment, which job."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem
from kedro.framework.startup import ProjectMetadata

from mayo_kedro.errors import UserError
from mayo_kedro.runners.records import list_records

Command = Callable[..., Any]

environment_option = click.option(
    "--env",
    "-e",
    "environment",
    default="azure",
    show_default=True,
    help="Configuration environment: a folder in conf/.",
)


def find_project(context: click.Context) -> Path:
    """The project's folder, which Kedro has found."""
    metadata = context.find_object(ProjectMetadata)
    return Path(metadata.project_path) if metadata else Path.cwd()


class RunId(click.ParamType[str]):
    """The id of a job, or a part of the id of one that was sent from here."""

    name = "run_id"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Complete a part of an id."""
        return complete_id(find_project(ctx or click.get_current_context()), value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer what was sent from here, with the time and the nodes."""
        return [
            CompletionItem(record.run_id, help=f"{record.submitted} {', '.join(record.nodes)}")
            for record in list_records(find_project(ctx))
            if record.run_id.startswith(incomplete)
        ]


def complete_id(project: Path, part: str) -> str:
    """Find the job that is meant.

    Args:
        project: the project's folder.
        part: of an id; an id that was not sent from here stays as it is.

    Raises:
        UserError: several jobs are meant.
    """
    found = [record.run_id for record in list_records(project) if part in record.run_id]
    if part in found or not found:
        return part
    if len(found) > 1:
        raise UserError(
            f"{part!r} is a part of {len(found)} ids: {', '.join(found[:5])}.", "Give more of it."
        )
    return found[0]


def find_last(project: Path) -> str:
    """The id of the job that was sent last.

    Raises:
        UserError: none was sent from here.
    """
    records = list_records(project)
    if not records:
        raise UserError(
            f"No job has been sent from {project} yet.",
            "Send one with `kedro run --pipeline modelling --env azure`, or give the id of another.",
        )
    return records[0].run_id


def run_id_argument(command: Command) -> Command:
    """Give a command `run_id`: as typed, or the job that was sent last."""

    def fill_in(context: click.Context, parameter: click.Parameter, value: str | None) -> str:
        return value or ("" if context.resilient_parsing else find_last(find_project(context)))

    return click.argument("run_id", type=RunId(), required=False, callback=fill_in)(command)
