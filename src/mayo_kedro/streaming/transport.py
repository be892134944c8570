"""Bytes over HTTP: pooled connections, bounded retries, transfers that resume, errors in words."""

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.client import load_library, make_client
from mayo_kedro.streaming.concurrency import AdaptiveLimit, Slot
from mayo_kedro.streaming.errors import AccessRefusedError, RemoteFileNotFoundError, TransferError
from mayo_kedro.streaming.retries import (
    PassingError,
    WrongBodyError,
    read_retry_after,
    try_again,
)
from mayo_kedro.streaming.services import TOKEN_VARIABLE, Service
from mayo_kedro.streaming.sinks import Buffer, Sink
from mayo_kedro.streaming.statistics import Statistics
from mayo_kedro.streaming.workers import run_aside

if TYPE_CHECKING:
    from pyreqwest.client import SyncClient
    from pyreqwest.response import SyncResponse

STALL_SECONDS = 30.0
"""A body that brings no byte for this long counts as lost."""

_OVERLOADED = (429, 503)
_PASSING = (408, 425, 500, 502, 504, *_OVERLOADED)
_ELSEWHERE = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 10
_ANOTHER_PART = "another part of it came than was asked for"


class _NoRangesError(Exception):
    """The service answered with the whole body where a part was asked for."""


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        url: the full address, which holds no secret.
        what: the same as the user would call it, for the error messages.
        query: added to the address.
        basic: whether the token goes as a password, as DVC and git send it.
        is_file: whether it tells how many files are worth asking for at once.
    """

    url: str
    what: str
    query: Mapping[str, str] | None = None
    basic: bool = False
    is_file: bool = False


class Transport:
    """GET requests to one service, safe to share between threads.

    Resets, stalls, cut bodies, bodies with a wrong hash, 429 and 5xx are tried again with jittered
    back-off, after as long as `Retry-After` says; a transfer goes on where it was cut if the service
    grants ranges. 401, 403 and 404 are final.

    The client is Rust, holds no GIL while it waits or decrypts, and was measured fastest of those that
    tell status and headers (`benchmarks/transport.py`).

    Args:
        service: the service and the token that each request carries.
        statistics: counts what passes.
        most_requests: at once.
        stall_seconds: a body that brings no byte for this long counts as lost.
    """

    def __init__(
        self,
        service: Service,
        statistics: Statistics | None = None,
        most_requests: int | None = None,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self.service = service
        self.statistics = statistics or Statistics()
        self.limit = AdaptiveLimit(most=most_requests) if most_requests else AdaptiveLimit()
        self._stall_seconds = stall_seconds
        self._making = threading.Lock()
        load_library()
        self._client: SyncClient | None = None
        self._process = 0
        self._grants_ranges: bool | None = None

    def read(self, request: Request) -> bytes:
        """Read a whole body into memory.

        Args:
            request: what to ask for.

        Returns:
            The body.

        Raises:
            RemoteFileNotFoundError: 404.
            AccessRefusedError: 401 or 403.
            TransferError: anything else, after `retries.ATTEMPTS` attempts.
        """
        buffer = Buffer()
        self.download(request, buffer)
        return bytes(buffer.body)

    def read_json(self, request: Request) -> Any:
        """Read and parse JSON.

        Raises:
            TransferError: it is none; else as `read`.
        """
        buffer = Buffer()
        parsed: Any = None

        def attempt() -> None:
            nonlocal parsed
            buffer.restart(None)
            self._receive(request, buffer)
            try:
                parsed = json.loads(buffer.body)
            except ValueError:
                raise WrongBodyError(
                    "does not answer as DagsHub's API does",
                    "Check DAGSHUB_CLIENT_HOST; repository.host in globals.yml of conf/base or conf/ENV.",
                    buffer.md5,
                ) from None

        self._try(request, attempt)
        return parsed

    def download(self, request: Request, sink: Sink) -> None:
        """Bring a whole body into a sink, which checks it.

        Args:
            request: what to ask for.
            sink: takes the body; when this returns, it holds all of it, intact.

        Raises:
            RemoteFileNotFoundError: 404.
            AccessRefusedError: 401 or 403.
            TransferError: anything else, after `retries.ATTEMPTS` attempts, or the same wrong body thrice.
        """

        def attempt() -> None:
            self._receive(request, sink)
            if not sink.is_intact():
                wrong = WrongBodyError(
                    "gives other content than the repository declares",
                    "The stored file or the connection is damaged: check the file in the repository.",
                    sink.md5,
                )
                sink.restart(None)
                raise wrong

        self._try(request, attempt)

    def read_range(self, request: Request, start: int, end: int) -> bytes | None:
        """Read bytes `start` to `end` (exclusive) of a body.

        Returns:
            The bytes, fewer where the body ends before; None if the service does not grant ranges, of
            which it is asked only once.

        Raises:
            TransferError: as `read`.
        """
        if self._grants_ranges is False:
            return None
        buffer = Buffer()
        try:
            self._try(request, lambda: self._receive_range(request, buffer, start, end))
        except _NoRangesError:
            self._grants_ranges = False
            return None
        return bytes(buffer.body)

    def _try(self, request: Request, attempt: Callable[[], None]) -> None:
        try:
            run_aside(lambda: try_again(attempt, repeated=lambda: self.statistics.add(retries=1)))
        except PassingError as error:
            raise self._lost(request, error) from None

    def _receive(self, request: Request, sink: Sink) -> None:
        """One attempt; goes on behind what the sink holds already, if the service grants that."""
        resumed = sink.size if self._grants_ranges is not False else 0
        headers = {"range": f"bytes={resumed}-"} if resumed else {}
        self._exchange(request, sink, headers, resumed)

    def _receive_range(self, request: Request, sink: Buffer, start: int, end: int) -> None:
        sink.restart(None)
        self._exchange(request, sink, {"range": f"bytes={start}-{end - 1}"}, start, whole=False)

    def _exchange(
        self, request: Request, sink: Sink, headers: Mapping[str, str], start: int, *, whole: bool = True
    ) -> None:
        from pyreqwest.exceptions import RequestError  # noqa: PLC0415  only who reads pays for the client

        with self.limit.slot() as slot:
            began = time.monotonic()
            self.statistics.add(requests=1)
            try:
                with self._send(request, headers) as response:
                    first_byte = time.monotonic() - began
                    if start and whole and response.status == 416:
                        sink.restart(None)
                        raise PassingError("more had come than there is")
                    self._check_status(response, request, slot)
                    if whole:
                        self._prepare(response, sink, start)
                    elif response.status != 206:
                        raise _NoRangesError
                    elif _first_byte(response) != start:
                        raise PassingError(_ANOTHER_PART)
                    self._pour(response, sink)
            except RequestError as error:
                raise PassingError(_name_cause(error)) from None
            if request.is_file:
                self.limit.succeeded(slot, first_byte, time.monotonic() - began - first_byte)

    @contextmanager
    def _send(self, request: Request, headers: Mapping[str, str]) -> Iterator["SyncResponse"]:
        """Ask, and go where the service sends us.

        The client's own way of doing so gives the token to another host at its second redirect, and the
        address of the first, which may be signed, to the next host.
        """
        url, query = request.url, request.query
        for _ in range(_MOST_REDIRECTS):
            if urlsplit(url).scheme not in ("http", "https"):
                raise TransferError(
                    f"{request.what}: {request.url} is no web address, or redirects to what is none.",
                    "Check DAGSHUB_CLIENT_HOST; repository.host in globals.yml of conf/base or conf/ENV.",
                )
            with self._build(url, query, headers, request.basic) as response:
                if response.status not in _ELSEWHERE:
                    yield response
                    return
                url, query = urljoin(url, response.get_header("location") or ""), None
        raise PassingError(f"it redirects more than {_MOST_REDIRECTS} times")

    def _build(
        self, url: str, query: Mapping[str, str] | None, headers: Mapping[str, str], basic: bool
    ) -> Any:
        built = self._connect().get(url)
        if headers:
            built = built.headers(dict(headers))
        if query:
            built = built.query(dict(query))
        token = self.service.token
        if token and _origin(url) == _origin(self.service.host):
            built = built.basic_auth("token", token) if basic else built.bearer_auth(token)
        return built.build_streamed()

    def _prepare(self, response: "SyncResponse", sink: Sink, start: int) -> None:
        if start and response.status == 206:
            self._grants_ranges = True
            if _first_byte(response) == start:
                return
        elif start:
            self._grants_ranges = False
        length = response.get_header("content-length")
        sink.restart(int(length) if length and response.status == 200 else None)
        if response.status == 206:
            raise PassingError(_ANOTHER_PART)

    def _pour(self, response: "SyncResponse", sink: Sink) -> None:
        reader = response.body_reader
        while (chunk := reader.read_chunk()) is not None:
            sink.write(chunk)
            self.statistics.add(bytes_fetched=len(chunk))

    def _connect(self) -> "SyncClient":
        # A forked process inherits the client without its threads, and would wait for ever.
        if self._client is None or self._process != os.getpid():
            with self._making:
                if self._client is None or self._process != os.getpid():
                    self._client = make_client(self.service.host, self.limit.most, self._stall_seconds)
                    self._process = os.getpid()
        return self._client

    def _check_status(self, response: "SyncResponse", request: Request, slot: Slot) -> None:
        status = response.status
        if status < 400:
            return
        if status in _PASSING:
            retry_after = read_retry_after(response.get_header("retry-after"))
            if status in _OVERLOADED:
                self.limit.overloaded(slot, retry_after)
            raise PassingError(f"the service answers {status}", retry_after)
        raise self._refused(status, request)

    def _lost(self, request: Request, reason: PassingError) -> TransferError:
        if isinstance(reason, WrongBodyError):
            return TransferError(
                f"{request.what}: {request.url} {reason} ({reason.attempts} attempts).", reason.remedy
            )
        return TransferError(
            f"{request.what} did not arrive from {request.url} in {reason.attempts} attempts: {reason}.",
            f"Check that {self.service.host} can be reached, or try again later; what has arrived is kept.",
        )

    def _refused(self, status: int, request: Request) -> UserError:
        if status == 404:
            return RemoteFileNotFoundError(
                f"{request.what} is not there: {request.url} answers 404.",
                "Check repository.owner, .name and .branch and the paths under images and weights in "
                "globals.yml of conf/base or conf/ENV; a private repository also needs a token "
                "with access.",
            )
        if status in (401, 403):
            problem = (
                "no token was sent"
                if self.service.token is None
                else "the token was refused; it may have expired"
            )
            return AccessRefusedError(
                f"{request.what} may not be read, {self.service.host} answers {status}: {problem}.",
                f"Put a token that may read the repository into the environment variable {TOKEN_VARIABLE} "
                f"({self.service.host}/user/settings/tokens).",
            )
        return TransferError(
            f"{request.what}: {request.url} answers {status}.",
            "Check repository.host in globals.yml of conf/base or conf/ENV.",
        )


def _first_byte(response: "SyncResponse") -> int | None:
    found = re.match(r"bytes (\d+)-", response.get_header("content-range") or "")
    return int(found[1]) if found else None


def _name_cause(error: Exception) -> str:
    """The innermost reason: the outer ones hold the address, which after a redirect may be a signed one."""
    details = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], Mapping) else {}
    causes = [str(cause.get("message", "")) for cause in details.get("causes") or [] if cause]
    named = causes[-1] if causes and "://" not in causes[-1] else ""
    return f"{error.args[0]} ({named})" if named else str(error.args[0])


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.lower()
