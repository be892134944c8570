"""The half of the DagsHub filesystem that writes."""

import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from fsspec import AbstractFileSystem
from fsspec.transaction import Transaction

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.addresses import STORAGE, is_stored
from mayo_kedro.streaming.sending import Draft
from mayo_kedro.streaming.upload import require_branch, upload

KEPT_IN_MEMORY = 2**20
"""Bytes of a file that is being written; beyond them it is on disk."""

# In the name of a file, the client's multipart form writes these in another way, which servers do not undo.
_UNSENDABLE = re.compile(r'["\\\x00-\x1f]')


class NoRemovalError(UserError, NotImplementedError):
    """The service's API can't remove; also a `NotImplementedError`, as fsspec's callers expect."""


class _Body(SpooledTemporaryFile[bytes]):
    def fileno(self) -> int:
        """Have none: asking for it, as the client does to learn the size, would put every file on disk."""
        raise io.UnsupportedOperation("fileno")


class OutgoingFile(io.BufferedIOBase):
    """A file that is being written. It can be read and sent until it is discarded.

    Args:
        path: its address in the filesystem.
        publish: is given the file when that is closed; None leaves it to a transaction.
    """

    def __init__(self, path: str, publish: "Callable[[OutgoingFile], None] | None") -> None:
        self.path = path
        self.body = cast(BinaryIO, _Body(KEPT_IN_MEMORY))
        self._publish = publish

    def writable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes, as formats with an index need it."""
        return True

    def write(self, data: Any) -> int:
        """Take bytes, and give their number."""
        if self.closed:
            raise ValueError(f"{self.path} is closed")
        return self.body.write(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, and give it."""
        return self.body.seek(offset, whence)

    def tell(self) -> int:
        """The position."""
        return self.body.tell()

    def truncate(self, size: int | None = None) -> int:
        """Cut the file at a size in bytes, or at the position."""
        return self.body.truncate(size)

    def close(self) -> None:
        """Publish the file, or leave it to the transaction; once."""
        if self.closed:
            return
        super().close()
        if self._publish:
            try:
                self._publish(self)
            finally:
                self.discard()

    def discard(self) -> None:
        """Throw the content away, which then is never published."""
        super().close()
        self.body.close()

    @property
    def discarded(self) -> bool:
        """Whether there is nothing to publish any more."""
        return self.body.closed

    def __exit__(self, error_type: Any, *_: object) -> None:
        """Publish what was written, but not the part that was written when an error came."""
        if error_type is None:
            self.close()
        else:
            self.discard()


class Commit(Transaction):  # type: ignore[misc]  # fsspec has no type hints
    """`with filesystem.transaction as commit`: one commit of everything that is written inside.

    Attributes:
        message: of the commit; None names the files.
        versioning: "git", "dvc", "auto", or None for the filesystem's.
        revision: the id of the commit, once it is made and if anything was written.
    """

    message: str | None = None
    versioning: str | None = None
    revision: str | None = None

    def describe(self, **settings: str | None) -> None:
        """Set message or versioning as a call inside the transaction wants it.

        Raises:
            UserError: another call wants it otherwise.
        """
        for name, value in settings.items():
            present = getattr(self, name)
            if value is not None and present not in (None, value):
                raise UserError(
                    f"A transaction is one commit with one {name}: {present!r}, or {value!r}?",
                    "Say it once, or make two transactions.",
                )
            setattr(self, name, value or present)

    def complete(self, commit: bool = True) -> None:
        """Make the commit, or throw away what was written; ends the transaction either way."""
        try:
            if commit:
                self.revision = self.fs.publish_files(list(self.files), self.message, self.versioning)
        finally:
            super().complete(commit=False)


class WritingFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no type hints
    """Writes by commits, on top of what `DagsHubFileSystem` knows of repositories.

    Whatever a call writes is one commit, and whatever is written inside a `transaction` is one. A call that
    writes, also `open`, takes `message` and `versioning` for its commit.

    An exception inside `with filesystem.open(path, "wb")` keeps the file from being committed. A text or
    compressed file only a transaction protects: the layers around it close it as if it were whole.
    """

    transaction_type = Commit
    _offline: bool
    _message: str | None
    _versioning: str

    def _begin(
        self,
        path: str,
        mode: str,
        autocommit: bool = True,
        message: str | None = None,
        versioning: str | None = None,
        cache_options: object = None,
    ) -> OutgoingFile:
        """Open a file for writing, which is committed when it is closed, or with the transaction.

        `cache_options` are of reading; fsspec passes them always.
        """
        if mode not in ("wb", "xb"):
            raise NotImplementedError(f"Files of a repository are written as a whole, not in mode {mode!r}.")
        self._require_writable(path)
        if mode == "xb" and self.exists(path):
            raise FileExistsError(path)
        if not autocommit:
            self.transaction.describe(message=message, versioning=versioning)
            return OutgoingFile(path, None)
        return OutgoingFile(path, partial(self._publish_one, message, versioning))

    def _publish_one(self, message: str | None, versioning: str | None, file: OutgoingFile) -> None:
        self.publish_files([file], message, versioning)

    def _require_writable(self, path: str) -> None:
        repository, inner = self.repository(path)
        require_branch(repository)
        if self._offline:
            raise UserError(
                f"Nothing can be written to {repository.full_name} while streaming.offline is on.",
                "Set streaming.offline to false in globals.yml of conf/base or conf/ENV.",
            )
        if _UNSENDABLE.search(inner):
            raise UserError(
                f"{inner!r} can't be a file: the upload would change this name.",
                "Do without quotation marks, backslashes and control characters.",
            )
        if inner == STORAGE or is_stored(inner):
            raise UserError(
                f"{inner!r} is in a storage bucket of {repository.full_name}, and those are only read here.",
                "Write with the bucket's own filesystem, such as s3fs, or to another path.",
            )

    def publish_files(
        self, files: list[OutgoingFile], message: str | None, versioning: str | None
    ) -> str | None:
        """Commit files that have been written.

        Args:
            files: all in one repository; of two with the same path the later counts.
            message: of the commit; None for the filesystem's, else it names the files.
            versioning: None for the filesystem's.

        Returns:
            The id of the commit; None if there is nothing to publish.

        Raises:
            UserError: see `upload`; or the files are in several repositories.
        """
        kept = [(*self.repository(file.path), file) for file in files if not file.discarded]
        if not kept:
            return None
        repository = kept[0][0]
        if any(other is not repository for other, _, _ in kept):
            raise UserError(
                "A transaction is one commit, but this one wrote to several repositories or branches.",
                "Make a transaction for each.",
            )
        bodies = {inner: file.body for _, inner, file in kept}
        draft = Draft(bodies, message or self._message or _describe(bodies), versioning or self._versioning)
        return upload(self._connect(), repository, draft)

    @contextmanager
    def _in_one_commit(self, message: str | None, versioning: str | None) -> Iterator[None]:
        """Make what a call writes one commit, unless it is part of a transaction anyway."""
        with ExitStack() as stack:
            commit = self.transaction if self._intrans else stack.enter_context(self.transaction)
            commit.describe(message=message, versioning=versioning)
            yield

    def pipe(
        self,
        path: str | Mapping[str, bytes],
        value: bytes | None = None,
        message: str | None = None,
        versioning: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Write bytes to a path, or those of a mapping by path, in one commit."""
        with self._in_one_commit(message, versioning):
            super().pipe(path, value, **kwargs)

    def put(
        self,
        lpath: Any,
        rpath: Any,
        *args: Any,
        message: str | None = None,
        versioning: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Copy local files or folders into a repository, in one commit; otherwise as in fsspec."""
        with self._in_one_commit(message, versioning):
            super().put(lpath, rpath, *args, **kwargs)

    def copy(
        self,
        path1: Any,
        path2: Any,
        *args: Any,
        message: str | None = None,
        versioning: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Copy files or folders of repositories, in one commit; otherwise as in fsspec."""
        with self._in_one_commit(message, versioning):
            super().copy(path1, path2, *args, **kwargs)

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Copy one file, by way of this machine; nothing for a folder."""
        if self.isdir(path1):
            self.makedirs(path2, exist_ok=True)
        else:
            self.put_file(self.fetch(path1), path2, **kwargs)

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Do nothing, as there are no empty folders; but fail if there is no such repository or branch."""
        self.makedirs(path)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Do nothing, as `mkdir`."""
        self.repository(path)[0].commit  # noqa: B018  asks the service

    def rm_file(self, path: str) -> None:
        """Refuse: the service's API can't remove."""
        raise NoRemovalError(
            f"{path} can't be removed: DagsHub's API has no request for that.",
            "Remove it with git (its .dvc file, if DVC tracks it), and push.",
        )

    def mv(self, path1: Any, path2: Any, *args: Any, **kwargs: Any) -> None:
        """Refuse: the service's API can't remove, and so not move."""
        raise NoRemovalError(
            f"{path1} can't be moved: DagsHub's API has no request for that.",
            "Copy it; or move it with git (and its .dvc file, if DVC tracks it), and push.",
        )

    def upload(self, path: str, files: Mapping[str, Path], message: str) -> str:
        """Put files into a folder that DVC tracks as a whole, in one commit.

        Args:
            path: the folder, in a repository whose revision is a branch.
            files: local files by their path below the folder.
            message: of the commit.

        Returns:
            The id of the commit, at which the files were read back.
        """
        self._require_writable(path)
        repository, folder = self.repository(path)
        with ExitStack() as stack:
            opened = {name: stack.enter_context(file.open("rb")) for name, file in files.items()}
            return upload(self._connect(), repository, Draft(opened, message, "dvc", folder))


def _describe(files: Mapping[str, BinaryIO]) -> str:
    first, *others = files
    return f"Write {first} and {len(others)} more" if others else f"Write {first}"
