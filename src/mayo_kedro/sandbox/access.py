"""Who may use the service: whoever brings its token."""

import base64
import binascii
import hmac

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["TokenRequired"]

# git asks without a token first, and sends the one in its URL only after this answer
CHALLENGE = {"WWW-Authenticate": 'Basic realm="sandbox"'}


class TokenRequired:
    """ASGI middleware: 401 without the token, given as Bearer, or as user name or password of Basic."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        presented = _read_secrets(Headers(scope=scope).get("authorization", ""))
        if scope["path"] == "/" or any(hmac.compare_digest(one, self._token.encode()) for one in presented):
            await self._app(scope, receive, send)
        else:
            refusal = JSONResponse({"message": "a valid token is required"}, 401, CHALLENGE)
            await refusal(scope, receive, send)


def _read_secrets(authorization: str) -> list[bytes]:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() in ("bearer", "token"):
        return [value.strip().encode()]
    try:
        return base64.b64decode(value, validate=True).split(b":", 1) if scheme.lower() == "basic" else []
    except binascii.Error:
        return []
