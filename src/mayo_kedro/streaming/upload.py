"""Results go back to the repository: one commit, through the dagshub client, and are read back."""

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.errors import AccessRefusedError, TransferError
from mayo_kedro.streaming.integrity import content_hash, is_checkable
from mayo_kedro.streaming.repository import Repository
from mayo_kedro.streaming.services import TOKEN_VARIABLE, Service
from mayo_kedro.streaming.transport import Transport

if TYPE_CHECKING:
    from dagshub.upload import Repo

ATTEMPTS = 3


def upload(
    transport: Transport, source: Repository, folder: str, files: Mapping[str, Path], message: str
) -> str:
    """Put files into a folder of the repository, versioned with DVC, in one commit.

    Nothing is pulled. Files that are there already with the same content make no commit.

    Args:
        transport: the way to the service.
        source: the repository; its revision must be a branch.
        folder: in the repository, made when missing.
        files: local files by their path below `folder`.
        message: of the commit; the service keeps 100 characters.

    Returns:
        The branch's new tip, at which the files were read back with the same content.

    Raises:
        UserError: the token may not write, the branch is a commit id, or the service refused the files.
        TransferError: the service could not be reached, or holds something else afterwards.
    """
    branch = source.revision
    if branch is None or source.commit == branch:
        raise UserError(
            f"Results can't be published to {source.full_name}@{branch}, which is not a branch.",
            "Set repository.branch in conf/base/globals.yml to a branch, or publish: false.",
        )
    _send(_open_repository(transport.service, source.full_name, branch), folder, files, message)
    published = source.at(branch)
    _check_arrival(published, folder, files)
    return published.commit


def _open_repository(service: Service, full_name: str, branch: str) -> "Repo":
    from dagshub.common import config  # noqa: PLC0415  costs over a second: only who uploads pays
    from dagshub.upload import Repo  # noqa: PLC0415

    if service.token is None:
        # Without a token the client would open a browser and wait.
        raise AccessRefusedError(
            f"Publishing to {full_name} at {service.host} needs a token.",
            f"Put one that may write into the environment variable {TOKEN_VARIABLE}, or set publish: false.",
        )
    config.set_host(service.host)
    owner, name = full_name.split("/")
    return Repo(owner, name, token=service.token, branch=branch)


def _send(repository: "Repo", folder: str, files: Mapping[str, Path], message: str) -> None:
    import httpx  # noqa: PLC0415  comes with the client
    from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential  # noqa: PLC0415

    # Repeating is safe: the same bytes make no second commit.
    attempts = Retrying(
        retry=retry_if_exception_type(httpx.TransportError),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_random_exponential(max=8),
        reraise=True,
    )
    try:
        for attempt in attempts:
            with attempt, ExitStack() as opened:
                parts = [(name, opened.enter_context(path.open("rb"))) for name, path in files.items()]
                repository.upload_files(
                    parts, folder, commit_message=message, versioning="dvc", force=True, quiet=True
                )
    except httpx.TransportError as error:
        raise TransferError(
            f"The results did not reach {repository.host} in {ATTEMPTS} attempts: {error}.",
            "They are complete in data/; `kedro run --from-nodes publish_results_node` sends them again.",
        ) from error
    except Exception as error:  # the client raises bare RuntimeError and a dozen classes of its own
        reason = getattr(error, "details", None) or str(error)
        raise UserError(
            f"{repository.host} did not take the results for {repository.owner}/{repository.name}: {reason}",
            f"Check that the token in {TOKEN_VARIABLE} may write to branch {repository.branch}, "
            "or set publish: false in conf/base/globals.yml.",
        ) from error


def _check_arrival(published: Repository, folder: str, files: Mapping[str, Path]) -> None:
    for name, path in files.items():
        declared = published.find(f"{folder}/{name}").declared_hash
        body = path.read_bytes()
        same = (
            content_hash(body, declared) == declared
            if is_checkable(declared)
            else _digest(published.fetch(f"{folder}/{name}").read_bytes()) == _digest(body)
        )
        if not same:
            raise TransferError(
                f"{folder}/{name} in {published.full_name} is not what was sent.",
                "Somebody else may have published at the same moment: publish again.",
            )


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
