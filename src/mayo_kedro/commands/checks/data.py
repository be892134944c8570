"""Checks of where the data come from and where runs are tracked."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from mayo_kedro import repository_settings as repository
from mayo_kedro.commands.checks.finding import Check, Level
from mayo_kedro.commands.connection import Connection
from mayo_kedro.datasets import DataSourceDataset
from mayo_kedro.errors import UserError

PATIENCE_SECONDS = 20

Found = Iterator[tuple[Level, str, str]]


def look_at_repository(connection: Connection) -> Found:
    """Read the repository with the token that the job will have."""
    named = connection.configuration["globals"]["repository"]
    _require_repository(named)
    credentials = dict(connection.configuration["credentials"]["dagshub"])
    address = repository.repository_address(named)
    source = DataSourceDataset(filepath=address, credentials=credentials).load()
    yield Level.OK, f"{source['repository']} on {source['host']}, commit {source['commit'][:10]}", ""


def look_at_tracking(connection: Connection) -> Found:
    """Ask the MLflow server for its experiments."""
    named = connection.configuration["globals"]
    server = named["mlflow_server"]
    if server == repository.TRACKING_ON_DAGSHUB:
        _require_repository(named["repository"])
    ask_workspace = connection.backend.tracking_uri
    address = repository.tracking_uri(server, named["repository"], connection.project, ask_workspace)
    if server == repository.TRACKING_IN_WORKSPACE:
        yield Level.OK, "the server of the workspace", ""
        return
    if not address.startswith(("http://", "https://")):
        remedy = "Set mlflow_server in conf/azure/globals.yml: `dagshub` is the server beside the repository."
        yield Level.WARNING, "mlflow_server is a file here: the job's curves would not be tracked", remedy
        return
    repository.log_in_to_tracking(server, named["repository"])
    status = _ask(address)
    if status == 200:
        yield Level.OK, f"{address} answers", ""
    else:
        remedy = (
            f"Check mlflow_server, and {' and '.join(repository.MLFLOW_LOGIN_VARIABLES)} in the environment."
        )
        yield Level.WRONG, f"{address} answers with status {status}", remedy


def _require_repository(named: Mapping[str, Any]) -> None:
    # Before anything asks for its address, which would start it.
    if repository.repository_host(named) == repository.SANDBOX:
        raise UserError(
            "No repository is configured; the stand-in for one is out of a job's reach.",
            "Name yours in conf/base/globals.yml, or rehearse: `python -m mayo_kedro.sandbox -- COMMAND`.",
        )


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


CHECKS = (Check("Repository", look_at_repository), Check("MLflow", look_at_tracking))
