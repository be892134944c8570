"""Checks of where runs are tracked."""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from mayo_kedro import repository_settings as repository
from mayo_kedro.commands.checks.data import is_stand_in, require_repository
from mayo_kedro.commands.checks.finding import Check, Found, Level
from mayo_kedro.commands.connection import Connection, Setup
from mayo_kedro.errors import UserError

PATIENCE_SECONDS = 20
FILE = "sqlite:///"


def look_at_tracking(connection: Connection) -> Found:
    """Ask the MLflow server for its experiments."""
    named = connection.globals
    server = named["mlflow_server"]
    if server == repository.TRACKING_ON_DAGSHUB:
        require_repository(named["repository"])
    ask_workspace = connection.backend.tracking_uri
    address = repository.tracking_uri(server, named["repository"], connection.project, ask_workspace)
    if server == repository.TRACKING_IN_WORKSPACE:
        yield Level.OK, "the server of the workspace", ""
        return
    if not _is_server(address):
        remedy = "Set mlflow_server in conf/azure/globals.yml: `dagshub` is the server beside the repository."
        yield Level.WARNING, "mlflow_server is a file here: the job's curves would not be tracked", remedy
        return
    yield from _look_at_server(server, address, named["repository"])


def look_at_store(setup: Setup) -> Found:
    """Look whether a run on this machine could be tracked."""
    named = setup.globals
    server = named["mlflow_server"]
    if server == repository.TRACKING_IN_WORKSPACE:
        yield Level.OK, "the server of the workspace", "`kedro azure doctor` asks it."
        return
    if server == repository.TRACKING_ON_DAGSHUB and is_stand_in(setup):
        yield Level.OK, "beside the stand-in for the repository", ""
        return
    address = repository.tracking_uri(server, named["repository"], setup.project, str)
    if _is_server(address):
        yield from _look_at_server(server, address, named["repository"])
    elif address.startswith(FILE):
        yield from _look_at_file(Path(address.removeprefix(FILE)))
    else:
        yield Level.WARNING, f"{address} was not looked at", "It is no server's address, and no database's."


def _is_server(address: str) -> bool:
    return address.startswith(("http://", "https://"))


def _look_at_file(file: Path) -> Found:
    if not file.exists():
        if os.access(file.parent, os.W_OK):
            yield Level.OK, f"{file.name} will be made by the first run", ""
        else:
            remedy = "Set mlflow_server in globals.yml to another place."
            yield Level.WRONG, f"{file} can't be made: its folder can't be written", remedy
        return
    try:
        # Not written, only whether it could be.
        with closing(sqlite3.connect(file, timeout=1, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")
    except sqlite3.Error as error:
        remedy = f"End what holds {file} open; or move it away, and the next run makes another."
        yield Level.WRONG, f"{file.name} can't be written: {error}", remedy
        return
    yield Level.OK, f"{file.name} can be written", ""


def _look_at_server(server: str, address: str, named: Mapping[str, Any]) -> Found:
    repository.log_in_to_tracking(server, named)
    status = _ask(address)
    if status == 200:
        yield Level.OK, f"{address} answers", ""
    else:
        remedy = (
            f"Check mlflow_server, and {' and '.join(repository.MLFLOW_LOGIN_VARIABLES)} in the environment."
        )
        yield Level.WRONG, f"{address} answers with status {status}", remedy


def _ask(server: str) -> int:
    import requests  # noqa: PLC0415

    user, password = (os.environ.get(name) for name in repository.MLFLOW_LOGIN_VARIABLES)
    try:
        answer = requests.get(
            f"{server}/api/2.0/mlflow/experiments/search",
            params={"max_results": 1},
            auth=(user, password) if user and password else None,
            timeout=PATIENCE_SECONDS,
        )
    except requests.RequestException as error:
        # Not "from error", nor its text: the address may hold a password.
        raise UserError(
            f"The MLflow server can't be reached ({type(error).__name__}).",
            "Check mlflow_server in globals.yml.",
        ) from None
    return int(answer.status_code)


CHECKS = (Check("MLflow", look_at_tracking),)
"""Of where a job is tracked."""

CHECKS_HERE = (Check("MLflow", look_at_store),)
"""Of where a run on this machine is tracked."""
