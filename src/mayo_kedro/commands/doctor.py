"""`kedro azure doctor`."""

from collections.abc import Iterator

import click

from mayo_kedro.commands.arguments import environment_option
from mayo_kedro.commands.checks import data, local, workspace
from mayo_kedro.commands.checks.finding import Finding, Level
from mayo_kedro.commands.connection import Connection, connect

_SIGNS = {Level.OK: ("ok", "green"), Level.WARNING: ("warning", "yellow"), Level.WRONG: ("wrong", "red")}


@click.command()
@environment_option
@click.pass_context
def doctor(context: click.Context, environment: str) -> None:
    """Check all that a job needs.

    Nothing is made or started that costs. The exit code is 1 if anything is wrong.
    """
    findings = []
    for finding in examine(connect(context, environment), environment):
        show(finding)
        findings.append(finding)
    wrong = sum(finding.level is Level.WRONG for finding in findings)
    click.echo(f"{wrong} of {len(findings)} findings are wrong." if wrong else "A job can be sent.")
    context.exit(1 if wrong else 0)


def examine(connection: Connection, environment: str) -> Iterator[Finding]:
    """Carry out all checks, the quick ones first."""
    yield Finding("Settings", Level.OK, f"those of the environment {environment!r} are valid")
    for check in (*local.CHECKS, *data.CHECKS):
        yield from check.carry_out(connection)
    login = list(workspace.LOGIN.carry_out(connection))
    yield from login
    # Without a workspace each of them would only say so once more.
    for check in workspace.CHECKS if login[-1].level is Level.OK else ():
        yield from check.carry_out(connection)


def show(finding: Finding) -> None:
    """Print a finding on one line, and a remedy below it."""
    sign, colour = _SIGNS[finding.level]
    click.echo(f"{click.style(f'{sign:8}', fg=colour)}{finding.subject + ':':12}{finding.said}")
    if finding.remedy:
        click.echo(f"{'':20}{finding.remedy}")
