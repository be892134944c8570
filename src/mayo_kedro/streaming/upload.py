"""Files go to the repository: one commit, after which they are read back."""

import io
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import BinaryIO

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.errors import TransferError
from mayo_kedro.streaming.integrity import BodyCheck, is_checkable
from mayo_kedro.streaming.repository import Repository
from mayo_kedro.streaming.revisions import is_commit
from mayo_kedro.streaming.sending import Draft, Sender
from mayo_kedro.streaming.transport import Transport

VERSIONINGS = ("auto", "git", "dvc")
CHECKS_AT_ONCE = 8
CHUNK = 2**20


def require_branch(repository: Repository) -> None:
    """Refuse to write where there is no branch to move.

    Raises:
        UserError: the repository is read at a commit.
    """
    if is_commit(repository.revision):
        raise UserError(
            f"Nothing can be written to {repository.full_name}@{repository.revision}, which is not a branch.",
            "Name a branch, as in dagshub://owner/name@branch/path; for the results of a run, set "
            "repository.branch in globals.yml of conf/base or conf/ENV to a branch, or publish: false.",
        )


def upload(transport: Transport, repository: Repository, draft: Draft) -> str:
    """Make one commit, however many files it has; this process reads them at that commit from now on.

    Files that are there already with the same content make no commit.

    Args:
        transport: the way to the service.
        repository: its revision must be a branch, or None for the default branch.
        draft: the files and how they are kept.

    Returns:
        The id of the commit, at which the files were found with the same content.

    Raises:
        UserError: the token may not write, the revision is not a branch, or the service refused the files.
        TransferError: the service could not be reached, or holds something else afterwards.
    """
    require_branch(repository)
    if draft.versioning not in VERSIONINGS:
        raise UserError(
            f"versioning is {draft.versioning!r}, which is none of {', '.join(VERSIONINGS)}.",
            "Leave it out to let the service choose between git and DVC.",
        )
    repository.commit  # noqa: B018  a branch that does not exist fails here; the client would make it
    sender = Sender(transport.service, repository.full_name, repository.revision, transport.statistics)
    commit = sender.send(draft) or repository.ask_tip()
    files = {"/".join(filter(None, (draft.folder, name))): file for name, file in draft.files.items()}
    check_arrival(repository.at(commit), files)
    repository.add_written(commit, list(files))
    return commit


def check_arrival(written: Repository, files: Mapping[str, BinaryIO]) -> None:
    """Compare files with what a repository holds, by the declared hash where that says it.

    Args:
        written: the repository at the commit that should hold them.
        files: seekable, by their path.

    Raises:
        TransferError: one of them is something else there.
    """
    with ThreadPoolExecutor(CHECKS_AT_ONCE) as pool:
        arrived = list(pool.map(partial(_is_the_same, written), files, files.values()))
    for path, is_the_same in zip(files, arrived, strict=True):
        if not is_the_same:
            raise TransferError(
                f"{path} in {written.full_name} is not what was sent.",
                "Somebody else may have written it at the same moment: write it again.",
            )


def _is_the_same(written: Repository, path: str, file: BinaryIO) -> bool:
    entry = written.find(path)
    declared = entry.declared_hash
    if not is_checkable(declared):
        with written.contents.fetch(entry, written.commit).open("rb") as arrived:
            declared = _check(arrived, None).md5
    return _check(file, declared).is_intact()


def _check(file: BinaryIO, declared: str | None) -> BodyCheck:
    check = BodyCheck(declared)
    check.restart(file.seek(0, io.SEEK_END))
    file.seek(0)
    while chunk := file.read(CHUNK):
        check.update(chunk)
    return check
