"""Logging in, with the SDK's own classes."""

import os
from pathlib import Path
from typing import Any

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.sdk import load_sdk
from mayo_kedro.runners.settings import CREDENTIALS_FILE, AzureMLCredentials

PRINCIPAL_VARIABLES = (
    "AZUREML_SERVICE_PRINCIPAL_TENANT_ID",
    "AZUREML_SERVICE_PRINCIPAL_ID",
    "AZUREML_SERVICE_PRINCIPAL_PASSWORD",
)


def log_in(credentials: AzureMLCredentials) -> Any:
    """Make the SDK's object that gets tokens, and new ones when they expire.

    Args:
        credentials: from conf/azure/credentials.yml.

    Returns:
        An `azureml.core.authentication.AbstractAuthentication`.

    Raises:
        UserError: the credentials are incomplete, or nobody is logged in.
    """
    makers = {
        "environment": _from_environment,
        "service_principal": _from_file,
        "azure_cli": _from_azure_cli,
        "interactive": _interactive,
        "managed_identity": _managed_identity,
    }
    return makers[credentials.kind](credentials)


def _from_environment(credentials: AzureMLCredentials) -> Any:
    values = [os.environ.get(name) for name in PRINCIPAL_VARIABLES]
    if not any(values):
        return _from_azure_cli(credentials)
    missing = [name for name, value in zip(PRINCIPAL_VARIABLES, values, strict=True) if not value]
    if missing:
        raise UserError(
            f"Of the service principal's three variables {' and '.join(missing)} is not set.",
            f"Set all three, or none to use `az login`; {CREDENTIALS_FILE} can name another way.",
        )
    return _principal(*values)


def _from_file(credentials: AzureMLCredentials) -> Any:
    secret = credentials.client_secret
    password = None if secret is None else secret.get_secret_value()
    return _principal(credentials.tenant_id, credentials.client_id, password)


def _principal(tenant: str | None, principal: str | None, password: str | None) -> Any:
    # The SDK's default is the public cloud, whichever one the environment names.
    cloud = os.environ.get("AZUREML_CURRENT_CLOUD", "AzureCloud")
    return load_sdk("core.authentication").ServicePrincipalAuthentication(tenant, principal, password, cloud)


def _from_azure_cli(credentials: AzureMLCredentials) -> Any:
    folder = Path(os.environ.get("AZURE_CONFIG_DIR") or Path.home() / ".azure")
    if not (folder / "azureProfile.json").is_file():
        raise UserError(
            f"Nobody is logged in to Azure: there is no azureProfile.json in {folder}.",
            "Run `az login`, or name a service principal: conf/azure/credentials.yml.example shows how.",
        )
    # Not AzureCliAuthentication: it needs the whole azure-cli package in this environment.
    return _interactive(credentials)


def _interactive(credentials: AzureMLCredentials) -> Any:
    sdk = load_sdk("core.authentication")
    return sdk.InteractiveLoginAuthentication(tenant_id=credentials.tenant_id)


def _managed_identity(credentials: AzureMLCredentials) -> Any:
    identity = {"client_id": credentials.client_id} if credentials.client_id else {}
    return load_sdk("core.authentication").MsiAuthentication(identity_config=identity)
