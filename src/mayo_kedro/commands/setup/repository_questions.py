"""Which repository: asked, and opened."""

import os
import re
from pathlib import Path

import click

from mayo_kedro.commands.setup.place import Place, describe_token, open_folder, open_repository
from mayo_kedro.commands.setup.questions import Asker, Question
from mayo_kedro.errors import UserError
from mayo_kedro.streaming.services import DEFAULT_HOST, HOST_VARIABLE, TOKEN_VARIABLE

_ADDRESS = re.compile(r"(?:(?P<host>https?://[^/@\s]+)/)?(?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?(?:/.*)?")


def find_place(
    asker: Asker, folder: Path | None, repository: str | None, host: str | None, branch: str | None
) -> Place:
    """Find where the data set lies.

    Args:
        asker: finds what is not given.
        folder: of this machine; then there is no repository.
        repository: "owner/name", or the address of its page.
        host: URL of the service.
        branch: of the repository.

    Raises:
        UserError: it can't be read.
    """
    if folder is not None:
        return open_folder(folder)
    question = Question(
        "--repository",
        "Repository (OWNER/NAME, or its page's address)",
        check=check_address,
        instead="For a folder of this machine give --folder.",
    )
    address = asker.ask(question, repository)
    found = _ADDRESS.fullmatch(address)
    full_name = found["name"] if found else address
    usual = (found and found["host"]) or os.environ.get(HOST_VARIABLE) or DEFAULT_HOST
    host = asker.ask(Question("--host", "Host", usual, check=check_host), host)
    if not os.environ.get(TOKEN_VARIABLE):
        click.echo(f"There is no token in {TOKEN_VARIABLE}: only a public repository can be read.")
        click.echo(describe_token(host))
    place = open_repository(host, full_name, branch)
    wanted = asker.ask(Question("--branch", "Branch", str(place.settings["branch"])), branch)
    return place if wanted == place.settings["branch"] else open_repository(host, full_name, wanted)


def check_address(answer: str) -> str:
    """Take OWNER/NAME or the address of a repository's page.

    Raises:
        UserError: it is neither.
    """
    # Not quoted: an address may hold a token.
    if not _ADDRESS.fullmatch(answer):
        raise UserError("That is no repository.", "Write it as OWNER/NAME.")
    return answer


def check_host(answer: str) -> str:
    """Take the URL of a service.

    Raises:
        UserError: it is none, or the environment names another, which would win.
    """
    host = answer.rstrip("/")
    if not re.fullmatch(r"https?://[^/@\s]+", host):
        raise UserError("That is no host.", f"Write it as {DEFAULT_HOST}.")
    named = (os.environ.get(HOST_VARIABLE) or host).rstrip("/")
    if named != host:
        raise UserError(
            f"{HOST_VARIABLE} names {named}, and every command takes that before what is written.",
            f"`unset {HOST_VARIABLE}`, or choose the same host.",
        )
    return host
