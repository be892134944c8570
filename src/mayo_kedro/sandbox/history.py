"""Commits that tests and benchmarks ask for, among them removals, which DagsHub's API lacks."""

import io
from collections.abc import Mapping

from mayo_kedro.sandbox.edits import Edits
from mayo_kedro.sandbox.repository import Repository
from mayo_kedro.sandbox.uploads import Upload, UploadPlan

__all__ = ["commit", "remove"]


def commit(repository: Repository, files: Mapping[str, bytes], message: str, versioning: str) -> str:
    """Commit files at the head of the default branch, whether they are new or not.

    Args:
        repository: one that has a commit already.
        files: contents by path from the root of the repository.
        message: of the commit.
        versioning: git, dvc or auto, as for an upload.

    Returns:
        The commit that holds them: the present one, if it does.

    Raises:
        UploadRefused: the files do not fit what is there.
    """
    with repository.writing():
        branch, tip = repository.default_branch, repository.branches()[repository.default_branch]
        streams = {path: io.BytesIO(content) for path, content in files.items()}
        upload = Upload("", streams, versioning, last_commit=tip)
        changes = UploadPlan(repository, repository.index(tip), upload).changes()
        return repository.commit(branch, tip, changes, message) if changes else tip


def remove(repository: Repository, path: str) -> str:
    """Commit, at the head of the default branch, that a file or folder is gone; earlier commits keep it.

    Returns:
        The new commit.

    Raises:
        FileNotFoundError: it is not there.
    """
    with repository.writing():
        branch, tip = repository.default_branch, repository.branches()[repository.default_branch]
        edits = Edits(repository, repository.index(tip))
        edits.remove(path)
        return repository.commit(branch, tip, edits.changes, f"Remove {path}")
