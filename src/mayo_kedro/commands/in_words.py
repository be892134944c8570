"""Commands that end with a message and exit code 1 where a user can mend what went wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from kedro.framework.cli.utils import LazyGroup

from mayo_kedro.mistakes import find_mistake
from mayo_kedro.runners.job import JobServiceError


@contextmanager
def mistakes_in_words() -> Iterator[None]:
    """Turn what a user can mend into a message; anything else stays as it is."""
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except JobServiceError as error:
        raise click.ClickException(f"{error}\nThe service may answer again in a while.") from None
    except Exception as error:
        mistake = find_mistake(error)
        if mistake is None:
            raise
        raise click.ClickException(str(mistake)) from None


class CommandInWords(click.Command):
    """A command that tells mistakes in words."""

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command."""
        with mistakes_in_words():
            return super().invoke(ctx)


class GroupInWords(LazyGroup):
    """A group whose commands tell mistakes in words."""

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command that was named."""
        with mistakes_in_words():
            return super().invoke(ctx)
