"""Reading from the workspace's storage by signed addresses: from a byte on, streamed, resumed."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from urllib3.exceptions import HTTPError

PIECE = 1024 * 1024
TIMEOUT_SECONDS = (10, 60)  # to connect; without a byte
ATTEMPTS_WITHOUT_PROGRESS = 5


class AddressExpiredError(Exception):
    """A signed address is valid for a time only; the service makes a new one."""


class BlobError(OSError):
    """The storage did not send what it was asked for."""


def read_from(session: requests.Session, address: str, position: int) -> tuple[bytes, int]:
    """Read a file from a byte on.

    Args:
        session: keeps connections open.
        address: signed.
        position: first byte wanted.

    Returns:
        The bytes, and the file's size; a size below `position` tells that it is not the file it was.

    Raises:
        AddressExpiredError: the address is not valid any more.
        BlobError: the storage failed.
    """
    with _get(session, address, position) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return b"", _size_after_slash(answer)
        content = b"".join(_pieces(answer, position))
    return content, position + len(content)


def read_start(session: requests.Session, address: str, length: int) -> bytes:
    """Read a file's first bytes.

    Args:
        session: keeps connections open.
        address: signed.
        length: bytes at most.

    Raises:
        AddressExpiredError: the address is not valid any more.
        BlobError: the storage failed.
    """
    with _get(session, address, 0, length - 1) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return b""
        return b"".join(_pieces(answer, 0))[:length]


def download(session: requests.Session, ask_address: Callable[[], str], target: Path) -> None:
    """Write a file to disk in pieces; it appears under its name when it is complete.

    After a cut it goes on where it was, as long as at least some bytes come.

    Args:
        session: keeps connections open.
        ask_address: gets a signed address; asked again when one has expired.
        target: where to write; its folder is made.

    Raises:
        BlobError: the storage failed again and again.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("wb") as file:
            _fill(session, ask_address, file)
            os.fsync(file.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _fill(session: requests.Session, ask_address: Callable[[], str], file: BinaryIO) -> None:
    whole = False
    while not whole:
        before = file.tell()
        retrying = Retrying(
            retry=retry_if_exception_type((AddressExpiredError, BlobError)),
            stop=stop_after_attempt(ATTEMPTS_WITHOUT_PROGRESS),
            wait=wait_exponential(multiplier=0.2, max=10),
            reraise=True,
        )
        for attempt in retrying:
            with attempt:
                whole = _append(session, ask_address(), file, before)


def _append(session: requests.Session, address: str, file: BinaryIO, before: int) -> bool:
    """Write what is missing; tells whether that was all, or only more than was there `before`."""
    try:
        with _get(session, address, file.tell()) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                return _is_complete(answer, file.tell())
            for piece in _pieces(answer, file.tell()):
                file.write(piece)
    except BlobError:
        if file.tell() > before:
            return False
        raise
    return True


def _is_complete(answer: requests.Response, position: int) -> bool:
    size = _size_after_slash(answer)
    if size != position:
        raise BlobError(f"the file has {size} bytes, and {position} were read: it changed on the way")
    return True


@contextmanager
def _get(
    session: requests.Session, address: str, first: int, last: int | None = None
) -> Iterator[requests.Response]:
    # Always as a range: without one an empty file and a cut connection look the same.
    headers = {"Range": f"bytes={first}-{'' if last is None else last}", "Accept-Encoding": "identity"}
    with _in_words(), session.get(address, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as answer:
        if answer.status_code in (401, 403):
            raise AddressExpiredError
        if answer.status_code not in (200, 206, 416):
            raise BlobError(f"the storage answered with status {answer.status_code}")
        yield answer


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except (requests.RequestException, HTTPError) as error:
        # Its text holds the address, whose signature lets anybody read the file.
        raise BlobError(f"the connection to the storage broke ({type(error).__name__})") from None


def _pieces(answer: requests.Response, position: int) -> Iterator[bytes]:
    """Yield the body from `position` on, also if the storage sent the whole file."""
    skip = 0 if answer.status_code == requests.codes.partial_content else position
    expected = answer.headers.get("Content-Length")
    got = 0
    # Not iter_content: after a cut it throws the last, unfinished piece away.
    while piece := answer.raw.read1(PIECE):
        got += len(piece)
        kept = piece[max(0, skip - (got - len(piece))) :]
        if kept:
            yield kept
    if expected is not None and got != int(expected):
        raise BlobError(f"the storage sent {got} of {expected} bytes")


def _size_after_slash(answer: requests.Response) -> int:
    size = answer.headers.get("Content-Range", "").rpartition("/")[2]
    return int(size) if size.isdigit() else 0
