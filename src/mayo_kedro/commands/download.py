"""`kedro azure download`."""

from fnmatch import fnmatch
from pathlib import Path

import click

from mayo_kedro.commands.arguments import environment_option, run_id_argument
from mayo_kedro.commands.connection import connect
from mayo_kedro.errors import UserError
from mayo_kedro.progress import progress


@click.command()
@run_id_argument
@click.option("--path", "pattern", default="*", show_default=True, help="Which files; * stands for anything.")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to; the job's id in the working folder by default.",
)
@environment_option
@click.pass_context
def download(
    context: click.Context, run_id: str, pattern: str, folder: Path | None, environment: str
) -> None:
    """Bring files of a job here.

    `--path 'outputs/*.keras'` chooses; `kedro azure files` lists them.
    """
    backend = connect(context, environment).backend
    target = folder or Path(run_id)
    chosen = {path: place(target, path) for path in choose(backend.files(run_id), pattern, run_id)}
    with progress("Downloading", len(chosen)) as advance:
        for path, destination in chosen.items():
            destination.parent.mkdir(parents=True, exist_ok=True)
            backend.download(run_id, path, destination)
            advance(1, path)
    click.echo(f"{len(chosen)} files are in {target}.")


def choose(paths: list[str], pattern: str, run_id: str) -> list[str]:
    """The files that a pattern means.

    Raises:
        UserError: there are none.
    """
    chosen = sorted(path for path in paths if fnmatch(path, pattern))
    if not chosen:
        raise UserError(
            f"The job {run_id} has left {len(paths)} files, and none is {pattern!r}.",
            f"`kedro azure files {run_id}` lists them.",
        )
    return chosen


def place(folder: Path, path: str) -> Path:
    """Where a file goes.

    Raises:
        UserError: it would leave the folder.
    """
    destination = folder / path
    if not destination.resolve().is_relative_to(folder.resolve()):
        raise UserError(f"The file {path!r} of the job would leave {folder}.", "Choose others with --path.")
    return destination
