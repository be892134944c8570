"""Who may use the service: whoever brings its token, as long as that works."""

import base64
import binascii
import hmac

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["TokenRequired"]

# git asks without a token first, and sends the one in its URL only after this answer
CHALLENGE = {"WWW-Authenticate": 'Basic realm="sandbox"'}


class TokenRequired:
    """ASGI middleware: 401 without the token, given as Bearer, or as user name or password of Basic."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()
        self._left: int | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["path"] == "/" or self._admits(scope):
            await self._app(scope, receive, send)
        else:
            refusal = JSONResponse({"message": "a valid token is required"}, 401, CHALLENGE)
            await refusal(scope, receive, send)

    def expire(self, after: int) -> None:
        """Let the token work for so many more requests, and then no more.

        Raises:
            ValueError: fewer than none.
        """
        if after < 0:
            raise ValueError(f"after is {after}: the token cannot expire before now")
        self._left = after

    def restore(self) -> None:
        """Let the token work again, for good."""
        self._left = None

    def _admits(self, scope: Scope) -> bool:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if self._left == 0 or not any(hmac.compare_digest(one, self._token) for one in _read_secrets(given)):
            return False
        if self._left is not None:
            self._left -= 1
        return True


def _read_secrets(authorization: bytes) -> list[bytes]:
    scheme, _, value = authorization.partition(b" ")
    if scheme.lower() in (b"bearer", b"token"):
        return [value.strip()]
    try:
        return base64.b64decode(value, validate=True).split(b":", 1) if scheme.lower() == b"basic" else []
    except binascii.Error:
        return []
