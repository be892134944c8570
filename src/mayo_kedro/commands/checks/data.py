"""Checks of where the data come from."""

import os
import time
from collections.abc import Mapping
from typing import Any

import fsspec
from kedro.framework.project import settings

from mayo_kedro import repository_settings as repository
from mayo_kedro.commands.checks.finding import Check, Found, Level
from mayo_kedro.commands.connection import Connection, Setup
from mayo_kedro.commands.setup.compose import read_base
from mayo_kedro.errors import UserError
from mayo_kedro.streaming.services import TOKEN_VARIABLE


def look_at_repository(connection: Connection) -> Found:
    """Read the repository with the token that the job will have."""
    require_repository(connection.globals["repository"])
    yield from _ask_repository(connection)


def look_at_data_source(setup: Setup) -> Found:
    """Read the repository, unless a run would start the stand-in for one."""
    if is_stand_in(setup):
        said = "none is configured: a run streams the synthetic sample from a stand-in on this machine"
        if _is_for_other_data(setup):
            remedy = repository.SERVE_OR_NAME
            yield Level.WARNING, f"{said}, but images and columns are set for other data", remedy
        else:
            yield Level.OK, said, "`kedro init` sets up your own."
        return
    if not os.environ.get(TOKEN_VARIABLE):
        remedy = f"`export {TOKEN_VARIABLE}=…`, from the settings of your account there, under tokens."
        yield Level.WARNING, "there is no token: only public repositories can be read", remedy
    yield from _ask_repository(setup)


def _is_for_other_data(setup: Setup) -> bool:
    sample = read_base(setup.project / settings.CONF_SOURCE, "globals.yml")
    return any(setup.globals[name] != sample[name] for name in ("images", "columns"))


def is_stand_in(setup: Setup) -> bool:
    """Tell whether a run would start the stand-in for DagsHub."""
    return repository.repository_host(setup.globals["repository"]) == repository.SANDBOX


def require_repository(named: Mapping[str, Any]) -> None:
    """Refuse settings without a repository, before anything asks for its address, which would start one.

    Raises:
        UserError: none is configured.
    """
    if repository.repository_host(named) == repository.SANDBOX:
        raise UserError(
            "No repository is configured; the stand-in for one is out of a job's reach.",
            "Name yours with `kedro init`, or in globals.yml of conf/base or conf/ENV; or rehearse: "
            "`python -m mayo_kedro.sandbox -- COMMAND`.",
        )


def _ask_repository(setup: Setup) -> Found:
    address = repository.repository_address(setup.globals["repository"])
    filesystem, path = fsspec.core.url_to_fs(address, **setup.configuration["credentials"]["dagshub"])
    opened, _ = filesystem.repository(path)
    told = f"{opened.full_name} on {filesystem.host}, commit {opened.commit[:10]}"
    # The first request has connected as well.
    began = time.perf_counter()
    opened.ask_tip()
    yield Level.OK, f"{told}, answers in {1000 * (time.perf_counter() - began):.0f} ms", ""


CHECKS = (Check("Repository", look_at_repository),)
"""Of what a job reads."""

CHECKS_HERE = (Check("Repository", look_at_data_source),)
"""Of what a run on this machine reads."""
