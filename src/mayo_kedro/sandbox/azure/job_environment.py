"""The variables of a job: what Azure sets, what this machine needs, and nothing of who submitted it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mayo_kedro.sandbox.azure.tokens import Tokens
from mayo_kedro.sandbox.azure.workspace import Workspace
from mayo_kedro.sandbox.proxies import exempt_loopback

__all__ = ["JobEnvironment"]

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class JobEnvironment:
    """Makes the variables of jobs.

    Args:
        base: the service's address.
        workspace: the jobs'.
        tokens: issues theirs.
        discovery: the address of the list of services.
        shared: what every client of the service needs, of certificates and addresses.
        programs: the folder of the job's Python.
    """

    base: str
    workspace: Workspace
    tokens: Tokens
    discovery: str
    shared: Mapping[str, str]
    programs: Path

    def make(self, run: Mapping[str, Any]) -> dict[str, str]:
        """The variables of a run, from its record."""
        token, expiry = self.tokens.issue_for_run(run["runId"])
        return {
            "PATH": f"{self.programs}:{SYSTEM_PATH}",
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            **self.shared,
            **exempt_loopback({}),
            "AZUREML_RUN_ID": run["runId"],
            "AZUREML_RUN_TOKEN": token,
            "AZUREML_RUN_TOKEN_EXPIRY": str(int(expiry)),
            "AZUREML_ARM_SUBSCRIPTION": self.workspace.subscription,
            "AZUREML_ARM_RESOURCEGROUP": self.workspace.group,
            "AZUREML_ARM_WORKSPACE_NAME": self.workspace.name,
            "AZUREML_ARM_PROJECT_NAME": run["experiment"],
            "AZUREML_EXPERIMENT_ID": run["experimentId"],
            "AZUREML_WORKSPACE_ID": self.workspace.identity,
            "AZUREML_SERVICE_ENDPOINT": self.base,
            "AZUREML_DISCOVERY_SERVICE_ENDPOINT": self.discovery,
            "MLFLOW_TRACKING_URI": _describe_tracking(self.base, self.workspace),
            "MLFLOW_TRACKING_TOKEN": token,
            "MLFLOW_RUN_ID": run["runId"],
            "MLFLOW_EXPERIMENT_ID": run["experimentId"],
            "MLFLOW_EXPERIMENT_NAME": run["experiment"],
        }


def _describe_tracking(base: str, workspace: Workspace) -> str:
    return f"{base.replace('https://', 'azureml://')}/mlflow/v2.0{workspace.scope}?"
