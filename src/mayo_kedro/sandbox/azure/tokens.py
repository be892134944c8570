"""Tokens: who has one may use the services, until it expires."""

import secrets
import threading
import time
from typing import Any

import jwt
from jwt.types import Options

__all__ = ["TokenRefused", "Tokens"]

ALGORITHM = "HS256"
LIFETIME_S = 3600.0
RUN_LIFETIME_S = 86_400.0


class TokenRefused(Exception):
    """A token that does not open anything (any more)."""


class Tokens:
    """Issues JSON web tokens and checks them.

    Attributes:
        lifetime_s: of a client's token.
        run_lifetime_s: of a run's token.
    """

    def __init__(self, tenant: str) -> None:
        self.lifetime_s = LIFETIME_S
        self.run_lifetime_s = RUN_LIFETIME_S
        self._tenant = tenant
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._issued = 0
        self._expired = 0
        self._left: int | None = None

    def issue(self, audience: str, identity: str) -> str:
        """A token for the services.

        Args:
            audience: what it is asked for.
            identity: the client's.
        """
        return self._sign(self.lifetime_s, aud=audience, oid=identity, appid=identity)

    def issue_for_run(self, run: str) -> tuple[str, float]:
        """A token for a run's processes, and the time at which it expires, in seconds since the epoch."""
        return self._sign(self.run_lifetime_s, runId=run), time.time() + self.run_lifetime_s

    def check(self, token: str) -> None:
        """Admit one request.

        Raises:
            TokenRefused: this service did not issue it, or it has expired.
        """
        claims = self.read(token, expired=False)
        with self._lock:
            if self._left == 0:
                self._expired, self._left = self._issued, None
            if claims["serial"] <= self._expired:
                raise TokenRefused("the access token has expired")
            if self._left is not None:
                self._left -= 1

    def read(self, token: str, *, expired: bool) -> dict[str, Any]:
        """What a token of this service claims.

        Args:
            token: as it was issued.
            expired: whether one that has expired will do.

        Raises:
            TokenRefused: it will not do.
        """
        try:
            checks: Options = {"verify_aud": False, "verify_exp": not expired}
            claims: dict[str, Any] = jwt.decode(token, self._key, [ALGORITHM], options=checks)
        except jwt.PyJWTError as problem:
            raise TokenRefused(str(problem)) from None
        return claims

    def expire(self, after: int = 0) -> None:
        """Let all tokens issued until then expire when so many more requests have been admitted.

        Raises:
            ValueError: fewer than none.
        """
        if after < 0:
            raise ValueError(f"after is {after}: the tokens cannot expire before now")
        with self._lock:
            self._left = after or None
            self._expired = self._expired if after else self._issued

    def _sign(self, lifetime_s: float, **claims: str) -> str:
        with self._lock:
            self._issued += 1
            serial = self._issued
        times = {"iat": int(time.time()), "exp": int(time.time() + lifetime_s)}
        return jwt.encode({**claims, **times, "tid": self._tenant, "serial": serial}, self._key, ALGORITHM)
