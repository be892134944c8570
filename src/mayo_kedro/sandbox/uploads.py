"""What an upload changes: where each file goes, git or DVC, and when the service has to refuse it."""

import hashlib
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from mayo_kedro.sandbox.edits import Edits
from mayo_kedro.sandbox.index import CommitIndex, Entry
from mayo_kedro.sandbox.outputs import Changes
from mayo_kedro.sandbox.repository import Repository

__all__ = ["Upload", "UploadPlan", "UploadRefused"]

TEXT_LIMIT = 1 << 20


class UploadRefused(Exception):
    """The service does not take this upload; `error` is one of the words the client knows."""

    def __init__(self, error: str, details: str) -> None:
        super().__init__(f"{error}: {details}")
        self.error = error
        self.details = details


@dataclass(frozen=True)
class Upload:
    """What a client sends.

    Args:
        directory: the folder the files are below, "" for the root.
        files: contents by path from the root of the repository.
        versioning: git, dvc or auto.
        is_dvc_dir: track `directory` as one DVC folder, if DVC is to track it.
        last_commit: the commit the client knows existing files from, "" for none.
    """

    directory: str
    files: Mapping[str, BinaryIO]
    versioning: str = "auto"
    is_dvc_dir: bool = False
    last_commit: str = ""


class UploadPlan:
    """Works an upload out on top of what a commit holds; contents for DVC go into its store at once."""

    def __init__(self, repository: Repository, index: CommitIndex, upload: Upload) -> None:
        self._repository = repository
        self._index = index
        self._upload = upload
        self._edits = Edits(repository, index)
        self._folders: dict[str, dict[str, str]] = {}

    def changes(self) -> Changes:
        """The files of git that a commit has to change; empty if everything is there already.

        Raises:
            UploadRefused: the upload does not fit what is there.
        """
        for path in self._upload.files:
            self._check_path(path)
        kinds = {path: self._choose_versioning(path, file) for path, file in self._upload.files.items()}
        for path, file in self._upload.files.items():
            if kinds[path] == "git":
                self._put_into_git(path, file)
            else:
                self._put_into_dvc(path, file)
        for folder, files in self._folders.items():
            self._edits.track_folder(folder, files)
        return self._edits.changes

    def _check_path(self, path: str) -> None:
        parts = path.split("/")
        if not path or {"", ".", "..", ".git"} & set(parts):
            raise UploadRefused("path conflict", f"{path!r} cannot be a path in a repository")
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        blocked = [one for one in above if (entry := self._entry(one)) and entry.kind == "file"]
        entry = self._entry(path)
        if blocked or (entry and entry.kind == "dir"):
            raise UploadRefused("path conflict", f"{(blocked or [path])[0]} is there as something else")

    def _entry(self, path: str) -> Entry | None:
        return self._index.find(path)

    def _choose_versioning(self, path: str, file: BinaryIO) -> str:
        wanted = self._upload.versioning
        current = "dvc" if self._index.find_tracking(path) else "git" if self._entry(path) else ""
        if current and wanted not in ("auto", current):
            raise UploadRefused("versioning conflict", f"{path} is versioned by {current}")
        if wanted == "dvc" and not current and self._is_git_folder():
            raise UploadRefused("versioning conflict", f"{self._upload.directory} is versioned by git")
        if current or wanted != "auto":
            return current or wanted
        if self._upload.is_dvc_dir and not self._is_git_folder():
            return "dvc"
        return "git" if _looks_like_text(file) else "dvc"

    def _is_git_folder(self) -> bool:
        entry = self._entry(self._upload.directory)
        return bool(self._upload.is_dvc_dir and entry and entry.versioning == "git")

    def _put_into_git(self, path: str, file: BinaryIO) -> None:
        content = file.read()
        identity = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
        if self._is_new(path, identity):
            self._edits.changes[path] = content

    def _put_into_dvc(self, path: str, file: BinaryIO) -> None:
        stored = self._repository.store.add_stream(file)
        if not self._is_new(path, stored.md5):
            return
        tracked = self._index.find_tracking(path)
        folder = tracked.path if tracked and tracked.is_folder else self._new_folder() if not tracked else ""
        if folder:
            manifest = self._index.manifests.get(folder)
            files = self._folders.setdefault(folder, dict(manifest.files) if manifest else {})
            files[posixpath.relpath(path, folder)] = stored.md5
        else:
            self._edits.track(path, stored)

    def _new_folder(self) -> str:
        return self._upload.directory if self._upload.is_dvc_dir and not self._is_git_folder() else ""

    def _is_new(self, path: str, identity: str) -> bool:
        """Whether these are other bytes than those there, which the client then has to know."""
        entry = self._entry(path)
        if entry is None or entry.hash == identity:
            return entry is None
        if not self._upload.last_commit:
            raise UploadRefused("missing last_commit", f"{path} exists already")
        known = self._repository.find_commit(self._upload.last_commit)
        before = self._repository.index(known).find(path) if known else None
        if before is None or before.hash != entry.hash:
            raise UploadRefused("invalid last_commit", f"{path} has changed since {self._upload.last_commit}")
        return True


def _looks_like_text(file: BinaryIO) -> bool:
    start = file.read(TEXT_LIMIT + 1)
    file.seek(0)
    return len(start) <= TEXT_LIMIT and b"\0" not in start
