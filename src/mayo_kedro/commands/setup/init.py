"""`kedro init`."""

from pathlib import Path
from typing import Any

import click

from mayo_kedro.commands.in_words import CommandInWords
from mayo_kedro.commands.setup.environment import environment_option

_folder = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(cls=CommandInWords)
@environment_option
@click.option("--repository", help="OWNER/NAME of the repository, or its page's address.")
@click.option("--host", help="URL of the service; DagsHub unless DAGSHUB_CLIENT_HOST names another.")
@click.option("--branch", help="The repository's default branch unless another is named.")
@click.option("--folder", type=_folder, help="A folder of this machine instead, until it is in a repository.")
@click.option("--table", help="Path of the label table, a CSV.")
@click.option("--images", help="Folder of the images; . for the top.")
@click.option("--suffix", help="Of the images, such as .png.")
@click.option("--image-column", help="Column with the image's file name, with or without the suffix.")
@click.option("--patient-column", help="Column of what must stay on one side of a split.")
@click.option("--label-column", help="Column of the class.")
@click.option("--centre-column", help="Column of where an image was made; none.")
@click.option("--positive", help="Of two classes the one to detect.")
@click.option("--weights", help="Path of the file of weights to start from; none to start at random.")
@click.option("--unlabelled", type=click.Choice(["ignore", "refuse"]), help="What of images without a row.")
@click.option("--yes", is_flag=True, help="Ask nothing: take what is given, and guesses for the rest.")
@click.option("--force", is_flag=True, help="Overwrite settings that are there.")
@click.pass_context
def init(context: click.Context, /, environment: str, yes: bool, force: bool, **given: Any) -> None:
    """Set up your own data: look at a repository, ask, and write conf/ENV.

    Each question has an option and most have a guess; without a terminal the guesses are taken. Only settings
    are written, and only at the end. The token is taken from DAGSHUB_USER_TOKEN and written nowhere.
    """
    # Only here: `kedro --help` imports this module.
    from kedro.framework.project import settings  # noqa: PLC0415

    from mayo_kedro.commands.arguments import find_project  # noqa: PLC0415
    from mayo_kedro.commands.setup.conversation import converse  # noqa: PLC0415
    from mayo_kedro.commands.setup.questions import Asker  # noqa: PLC0415

    source = find_project(context) / settings.CONF_SOURCE
    converse(Asker(takes_guesses=yes), source, environment, force, given)
