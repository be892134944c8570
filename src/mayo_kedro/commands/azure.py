"""The group `kedro azure`: each command is a module, loaded when it is called."""

from typing import Any

import click
from kedro.framework.cli.utils import LazyGroup

from mayo_kedro.mistakes import find_mistake
from mayo_kedro.runners.job import JobServiceError

_MODULES = ("attach", "cancel", "doctor", "download", "files", "logs", "metrics", "status")


class MistakesInWords(LazyGroup):
    """Ends with a message and exit code 1 where a user can mend what went wrong."""

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command that was named."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except JobServiceError as error:
            raise click.ClickException(f"{error}\nThe service may answer again in a while.") from None
        except Exception as error:
            mistake = find_mistake(error)
            if mistake is None:
                raise
            raise click.ClickException(str(mistake)) from None


@click.group(
    cls=MistakesInWords,
    lazy_subcommands={name: f"mayo_kedro.commands.{name}.{name}" for name in _MODULES},
)
def azure() -> None:
    """See to jobs on Azure ML: what they do, what they left, and whether one can be sent.

    RUN_ID is the id of a job, or a part of it if the job was sent from here; where it may be left out the job
    that was sent last is meant. The exit code is 1 for a mistake and for a job that failed, 2 for a wrong
    call.
    """
