"""Verified files on disk, each under its hash, so that a file travels once."""

import errno
import hashlib
import os
import tempfile
from pathlib import Path

from platformdirs import user_cache_path

from mayo_kedro.errors import UserError

FOLDER_VARIABLE = "MAYO_KEDRO_CACHE"


def default_folder() -> Path:
    """The folder named by `MAYO_KEDRO_CACHE`, else one in the user's cache directory."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else user_cache_path("mayo-kedro")


class FileCache:
    """Files by key; a file appears under its name only when it is complete.

    Args:
        folder: where the files lie; made on the first write.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, key: str) -> Path | None:
        """The path of a kept file, or None."""
        path = self._path(key)
        return path if path.is_file() else None

    def keep(self, key: str, body: bytes) -> Path:
        """Write `body` atomically.

        Args:
            key: the content's hash, or any text that names the content for ever.
            body: the file's bytes.

        Returns:
            The path of the complete file.

        Raises:
            UserError: the disk is full or the folder can't be written; nothing half-written stays.
        """
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._replace(path, body)
        except OSError as error:
            raise _explain(error, self.folder) from error
        return path

    @staticmethod
    def _replace(path: Path, body: bytes) -> None:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".arriving-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(body)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def _path(self, key: str) -> Path:
        name = key if key.isalnum() else hashlib.sha256(key.encode()).hexdigest()
        return self.folder / name[:2] / name[2:]


def _explain(error: OSError, folder: Path) -> UserError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    problem = "no space is left on the disk" if full else f"it can't be written ({error.strerror})"
    return UserError(
        f"The cache for streamed files, {folder}: {problem}.",
        f"Free some space, or name another folder in the environment variable {FOLDER_VARIABLE}.",
    )
