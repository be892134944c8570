"""The door: who brings a token and the right names gets in."""

import re

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mayo_kedro.sandbox.azure.refusals import refuse, refuse_resource
from mayo_kedro.sandbox.azure.tokens import TokenRefused, Tokens
from mayo_kedro.sandbox.azure.workspace import Workspace

__all__ = ["Entry"]

NAMES = re.compile(
    r"(?P<before>.*?)/subscriptions/(?P<subscription>[^/]+)"
    r"(?:/resourceGroups/(?P<group>[^/]+)"
    r"(?:/providers/Microsoft\.MachineLearningServices/workspaces/(?P<workspace>[^/]+))?)?(?P<rest>.*)",
    re.IGNORECASE,
)
RENEWAL = re.compile(r".*/runs/([^/]+)/token")


class Entry:
    """ASGI middleware: checks token and names, and puts `/workspace` in the place of the names.

    Args:
        app: what lies behind.
        workspace: whose names they have to be.
        tokens: checks them.
        open_prefixes: of the paths that need no token.
    """

    def __init__(
        self, app: ASGIApp, workspace: Workspace, tokens: Tokens, open_prefixes: tuple[str, ...]
    ) -> None:
        self._app = app
        self._workspace = workspace
        self._tokens = tokens
        self._open_prefixes = open_prefixes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        path = "/" + scope["path"].lstrip("/")  # the SDK joins addresses with one slash too many
        if path.startswith(self._open_prefixes):
            await self._app({**scope, "path": path}, receive, send)
            return
        names = NAMES.fullmatch(path)
        refusal = self._check_token(scope, path) or (names and self._check_names(names))
        if refusal:
            await refusal(scope, receive, send)
            return
        await self._app({**scope, "path": _shorten(names) if names else path}, receive, send)

    def _check_token(self, scope: Scope, path: str) -> Response | None:
        given = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        token = given.partition(" ")[2].strip()
        try:
            if not self._renews(path, token):
                self._tokens.check(token)
        except TokenRefused as problem:
            headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            code = "InvalidAuthenticationToken" if not token else "ExpiredAuthenticationToken"
            refusal = refuse(401, f"The access token does not open this: {problem}", code)
            refusal.headers.update(headers)
            return refusal
        return None

    def _renews(self, path: str, token: str) -> bool:
        """Whether a run asks for a new token of its own, with one that may have expired."""
        found = RENEWAL.fullmatch(path)
        return found is not None and self._tokens.read(token, expired=True).get("runId") == found[1]

    def _check_names(self, names: re.Match[str]) -> Response | None:
        subscription, group, workspace = names["subscription"], names["group"], names["workspace"]
        if not _same(subscription, self._workspace.subscription):
            message = f"The subscription '{subscription}' could not be found."
            return refuse_resource(404, "SubscriptionNotFound", message)
        if group and not _same(group, self._workspace.group):
            message = f"Resource group '{group}' could not be found."
            return refuse_resource(404, "ResourceGroupNotFound", message)
        if workspace and not _same(workspace, self._workspace.name):
            resource = f"Microsoft.MachineLearningServices/workspaces/{workspace}"
            message = f"The Resource '{resource}' under resource group '{group}' was not found."
            return refuse_resource(404, "ResourceNotFound", message)
        return None


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _shorten(names: re.Match[str]) -> str:
    depth = "workspace" if names["workspace"] else "group" if names["group"] else "subscription"
    return f"{names['before']}/{depth}{names['rest']}"
