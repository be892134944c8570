"""The service: its parts, put together."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mayo_kedro.sandbox.azure.artifacts import Artifacts
from mayo_kedro.sandbox.azure.blobs import PREFIX, Blobs
from mayo_kedro.sandbox.azure.certificates import make_certificates
from mayo_kedro.sandbox.azure.cloud import OPEN_PREFIXES, Cloud
from mayo_kedro.sandbox.azure.compute_routes import Computes
from mayo_kedro.sandbox.azure.entry import Entry
from mayo_kedro.sandbox.azure.environments import Environments
from mayo_kedro.sandbox.azure.experiments import Experiments
from mayo_kedro.sandbox.azure.job import Surroundings, name_logs
from mayo_kedro.sandbox.azure.job_environment import JobEnvironment
from mayo_kedro.sandbox.azure.knobs import Knobs
from mayo_kedro.sandbox.azure.machine_routes import Machines
from mayo_kedro.sandbox.azure.metrics import Metrics
from mayo_kedro.sandbox.azure.mlflow_routes import MLflow
from mayo_kedro.sandbox.azure.reading import BlobBody, Pace
from mayo_kedro.sandbox.azure.records import Records
from mayo_kedro.sandbox.azure.refusals import refuse
from mayo_kedro.sandbox.azure.run_routes import RunRoutes
from mayo_kedro.sandbox.azure.runs import Runs
from mayo_kedro.sandbox.azure.snapshots import Snapshots
from mayo_kedro.sandbox.azure.submissions import Submissions
from mayo_kedro.sandbox.azure.tokens import Tokens
from mayo_kedro.sandbox.azure.vault import Vault
from mayo_kedro.sandbox.azure.workplace import Workplace
from mayo_kedro.sandbox.azure.workspace import TENANT, Workspace

__all__ = ["AzureService"]


class AzureService:
    """Everything behind the one address.

    Args:
        base: the address, `https://127.0.0.1:PORT`.
        folder: the state that is kept from start to start.
        workspace: the one there is.
    """

    def __init__(self, base: str, folder: Path, workspace: Workspace) -> None:
        self.base = base
        self.workspace = workspace
        self.tokens = Tokens(TENANT)
        self.knobs = Knobs()
        self.certificates = make_certificates()
        self._workplace = Workplace(self.certificates.roots)
        blobs = Blobs(base, folder / "blobs", self._make_body)
        self._cloud = Cloud(base, workspace, self.tokens, blobs.suffix)
        self._artifacts = Artifacts(blobs)
        self._runs = Runs(Records(folder / "experiments"), Records(folder / "runs"), self._find_addresses)
        computes = Computes(base, workspace, Records(folder / "computes"))
        snapshots = Snapshots(blobs, Records(folder / "snapshots"))
        around = Surroundings(
            self._runs,
            self._artifacts,
            self.knobs,
            self._make_environment,
            snapshots.unpack,
            self._workplace,
        )
        self._submissions = Submissions(computes, snapshots, self._runs, around)
        parts: list[Any] = [self._cloud, blobs, computes, self._artifacts, snapshots, self._submissions]
        metrics = Metrics(folder / "metrics")
        environments = Environments(base, workspace.scope, Records(folder / "environments"))
        parts += [environments, metrics, Vault(), MLflow(base, self._runs, metrics)]
        parts += [Experiments(self._runs), Machines(workspace, computes, self.knobs)]
        parts += [RunRoutes(self._runs, self.tokens, self._find_logs, self._submissions.cancel)]
        self._routes: list[Route] = [route for part in parts for route in part.routes]
        self._write_client_files(folder)

    @property
    def client_variables(self) -> dict[str, str]:
        """What a client needs in its environment, before it imports the SDK."""
        return {
            **_describe_access(self._cloud.metadata_address, self._roots),
            "AZURE_CONFIG_DIR": str(self._client_folder),
            "AZUREML_SERVICE_PRINCIPAL_TENANT_ID": TENANT,
            "AZUREML_SERVICE_PRINCIPAL_ID": self.workspace.client,
            "AZUREML_SERVICE_PRINCIPAL_PASSWORD": self.workspace.secret,
            "AZUREML_ARM_SUBSCRIPTION": self.workspace.subscription,
            "AZUREML_ARM_RESOURCEGROUP": self.workspace.group,
            "AZUREML_ARM_WORKSPACE_NAME": self.workspace.name,
        }

    def make_app(self) -> ASGIApp:
        """The service as an application."""
        app = Starlette(routes=self._routes, exception_handlers={HTTPException: _refuse})
        return Entry(app, self.workspace, self.tokens, (*OPEN_PREFIXES, PREFIX))

    def stop(self) -> None:
        """End the jobs."""
        self._submissions.stop()
        self._workplace.close()

    def _write_client_files(self, folder: Path) -> None:
        """Files for clients, in a folder of this address: the SDK keeps what it was told of a cloud."""
        self._client_folder = (folder / "clients" / self.base.rpartition(":")[2]).resolve()
        shutil.rmtree(self._client_folder, ignore_errors=True)
        self._client_folder.mkdir(parents=True)
        roots = self._client_folder / "roots.pem"
        roots.write_bytes(self.certificates.roots)
        self._roots = roots

    def _make_environment(self, run: str) -> dict[str, str]:
        environment = JobEnvironment(
            self.base,
            self.workspace,
            self.tokens,
            self._cloud.discovery_address,
            _describe_access(self._cloud.metadata_address, self._workplace.roots),
            self._workplace.programs,
        )
        return environment.make(self._runs.find(run) or {})

    def _make_body(self, file: Path, path: str) -> ASGIApp:
        is_log = "/user_logs/" in f"/{path}"
        return BlobBody(file, path, Pace(self.knobs.log_delay, self.knobs.log_bytes) if is_log else None)

    def _find_addresses(self, experiment: str, run: str) -> Mapping[str, str]:
        place = f"{self.base}/execution/v1.0{self.workspace.scope}/experiments/{experiment}"
        return {"cancelUri": f"{place}/runId/{run}/cancel"}

    def _find_logs(self, run: str) -> dict[str, str]:
        definition = (self._runs.find(run) or {}).get("definition", {})
        folder = self._artifacts.find_folder(run)
        names = [
            name for name in name_logs(int(definition.get("nodeCount") or 1)) if (folder / name).exists()
        ]
        return {name: self._artifacts.address(run, name) for name in names}


def _describe_access(metadata: str, roots: Path) -> dict[str, str]:
    return {
        "ARM_CLOUD_METADATA_URL": metadata,
        "AZUREML_CURRENT_CLOUD": "AzureCloud",
        "REQUESTS_CA_BUNDLE": str(roots),
        "SSL_CERT_FILE": str(roots),
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


async def _refuse(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, HTTPException)  # noqa: S101 - registered for these; tells mypy
    return refuse(problem.status_code, problem.detail)
