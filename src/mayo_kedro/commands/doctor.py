"""`kedro azure doctor`."""

from collections.abc import Iterator

import click

from mayo_kedro.commands.arguments import environment_option
from mayo_kedro.commands.checks import data, local, tracking, workspace
from mayo_kedro.commands.checks.finding import Finding, Level
from mayo_kedro.commands.checks.showing import show_all
from mayo_kedro.commands.connection import Connection, connect


@click.command()
@environment_option
@click.pass_context
def doctor(context: click.Context, environment: str) -> None:
    """Check all that a job needs.

    Nothing is made or started that costs. The exit code is 1 if anything is wrong.
    """
    findings = examine(connect(context, environment), environment)
    context.exit(show_all(findings, "A job can be sent."))


def examine(connection: Connection, environment: str) -> Iterator[Finding]:
    """Carry out all checks, the quick ones first."""
    yield Finding("Settings", Level.OK, f"those of the environment {environment!r} are valid")
    for check in (*local.CHECKS, *data.CHECKS, *tracking.CHECKS):
        yield from check.carry_out(connection)
    login = list(workspace.LOGIN.carry_out(connection))
    yield from login
    # Without a workspace each of them would only say so once more.
    for check in workspace.CHECKS if login[-1].level is Level.OK else ():
        yield from check.carry_out(connection)
