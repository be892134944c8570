"""What a client asks before it can use the workspace: the cloud, a token, the workspace, its services."""

import hmac
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox.azure.tokens import Tokens
from mayo_kedro.sandbox.azure.workspace import LOCATION, TENANT, Workspace

__all__ = ["OPEN_PREFIXES", "Cloud"]

# of the paths for which no token is needed
OPEN_PREFIXES = ("/metadata/", f"/{TENANT}/", "/discovery/")
AUDIENCE = "https://management.core.windows.net/"
SERVICES = ("api", "experimentation", "history", "hyperdrive", "modelmanagement", "studio", "pipelines")
# what the SDK wants to find in a cloud, although nothing is asked there
UNUSED = {
    "gallery": "https://gallery.azure.com/",
    "graph": "https://graph.windows.net/",
    "graphAudience": "https://graph.windows.net/",
    "portal": "https://portal.azure.com/",
    "batch": "https://batch.core.windows.net/",
    "media": "https://rest.media.azure.net",
    "sqlManagement": "https://management.core.windows.net:8443/",
    "vmImageAliasDoc": "https://raw.githubusercontent.com/",
    "activeDirectoryDataLake": "https://datalake.azure.net/",
}
UNUSED_SUFFIXES = {
    "keyVaultDns": "vault.azure.net",
    "sqlServerHostname": "database.windows.net",
    "acrLoginServer": "azurecr.io",
    "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
    "azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
}


class Cloud:
    """The routes.

    Args:
        base: the service's address.
        workspace: the one there is.
        tokens: issues them.
        storage_suffix: of the addresses of blobs.
    """

    def __init__(self, base: str, workspace: Workspace, tokens: Tokens, storage_suffix: str) -> None:
        self._base = base
        self._workspace = workspace
        self._tokens = tokens
        self._storage_suffix = storage_suffix
        self.metadata_address = f"{base}/metadata/endpoints?api-version=2019-05-01"
        self.discovery_address = f"{base}/discovery/workspaces/{workspace.identity}"
        login = f"/{TENANT}"
        self.routes = [
            Route("/metadata/endpoints", self._describe_cloud),
            Route(f"{login}/.well-known/openid-configuration", self._describe_login),
            Route(f"{login}/oauth2/token", self._issue_token, methods=["POST"]),
            Route("/discovery/workspaces/{identity}", self._discover),
            Route("/subscriptions", self._list_subscriptions),
            Route("/subscription", self._describe_subscription),
            Route("/group", self._describe_group),
            Route("/workspace", self._describe_workspace),
        ]

    async def _describe_cloud(self, _: Request) -> Response:
        # it has to go by the public cloud's name, which the SDK supposes in a job
        cloud = {
            "name": "AzureCloud",
            **UNUSED,
            "resourceManager": f"{self._base}/",
            "authentication": {
                "loginEndpoint": self._base,
                "audiences": [AUDIENCE, "https://management.azure.com/"],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "suffixes": {**UNUSED_SUFFIXES, "storage": self._storage_suffix},
        }
        return JSONResponse([cloud])

    async def _describe_login(self, _: Request) -> Response:
        login = f"{self._base}/{TENANT}"
        return JSONResponse(
            {
                "issuer": login,
                "authorization_endpoint": f"{login}/oauth2/authorize",
                "token_endpoint": f"{login}/oauth2/token",
            }
        )

    async def _issue_token(self, request: Request) -> Response:
        async with request.form() as form:
            given = {name: str(value) for name, value in form.items()}
        if given.get("client_id") != self._workspace.client:
            identity = given.get("client_id", "")
            return _refuse_login(
                400, "unauthorized_client", f"AADSTS700016: there is no application {identity}"
            )
        if not hmac.compare_digest(given.get("client_secret", "").encode(), self._workspace.secret.encode()):
            return _refuse_login(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        token = self._tokens.issue(AUDIENCE, self._workspace.client)
        return JSONResponse(
            {"token_type": "Bearer", "expires_in": int(self._tokens.lifetime_s), "access_token": token}
        )

    async def _discover(self, request: Request) -> Response:
        if request.path_params["identity"] != self._workspace.identity:
            return Response(status_code=404)
        return JSONResponse(dict.fromkeys(SERVICES, self._base))

    async def _list_subscriptions(self, _: Request) -> Response:
        return JSONResponse({"value": [self._describe()]})

    async def _describe_subscription(self, _: Request) -> Response:
        return JSONResponse(self._describe())

    def _describe(self) -> dict[str, Any]:
        identity = self._workspace.subscription
        names = {"subscriptionId": identity, "displayName": "Sandbox", "tenantId": TENANT}
        return {"id": f"/subscriptions/{identity}", "state": "Enabled", **names}

    async def _describe_group(self, _: Request) -> Response:
        identity = f"/subscriptions/{self._workspace.subscription}/resourceGroups/{self._workspace.group}"
        return JSONResponse({"id": identity, "name": self._workspace.group, "location": LOCATION})

    async def _describe_workspace(self, _: Request) -> Response:
        scope = self._workspace.scope
        provider = scope.partition("/providers/")[0] + "/providers"
        properties = {
            "workspaceId": self._workspace.identity,
            "friendlyName": self._workspace.name,
            "description": "stands in for Azure ML, on this machine only",
            "discoveryUrl": self.discovery_address,
            "keyVault": f"{provider}/Microsoft.KeyVault/vaults/sandbox",
            "storageAccount": f"{provider}/Microsoft.Storage/storageAccounts/sandbox",
            "provisioningState": "Succeeded",
        }
        about = {
            "name": self._workspace.name,
            "location": LOCATION,
            "sku": {"name": "Basic", "tier": "Basic"},
        }
        kind = "Microsoft.MachineLearningServices/workspaces"
        return JSONResponse({"id": scope, "type": kind, **about, "properties": properties, "tags": {}})


def _refuse_login(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status)
