"""Where a data set lies: a repository of a DagsHub service, or a folder of this machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import fsspec
import pandas as pd
from fsspec import AbstractFileSystem

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.errors import AccessRefusedError, RemoteFileNotFoundError
from mayo_kedro.streaming.images import StreamedImages
from mayo_kedro.streaming.services import TOKEN_VARIABLE

OTHER_SEPARATORS = (";", "\t", "|")


@dataclass(frozen=True)
class Place:
    """A data set's place.

    Attributes:
        filesystem: that holds it.
        root: its path there.
        settings: `repository` of the globals that lead there.
        told: what it is called.
    """

    filesystem: AbstractFileSystem
    root: str
    settings: dict[str, Any]
    told: str

    def list_folder(self, folder: str) -> list[tuple[str, int | None]]:
        """List a folder.

        Args:
            folder: from the root; "" is the root itself.

        Returns:
            The name of each file and folder, and a file's size in bytes; None for a folder.
        """
        rows = self.filesystem.ls(self.path(folder), detail=True)
        return sorted(
            (row["name"].rpartition("/")[2], None if row["type"] == "directory" else int(row["size"] or 0))
            for row in rows
        )

    def is_folder(self, path: str) -> bool:
        """Tell whether there is a folder of this path."""
        return bool(self.filesystem.isdir(self.path(path)))

    def read_table(self, path: str) -> pd.DataFrame:
        """Read a CSV, all text as a run reads it.

        Raises:
            UserError: it is not a CSV in UTF-8 with commas, or has no columns.
        """
        try:
            with self.filesystem.open(self.path(path), "rb") as file:
                table = pd.read_csv(file, dtype=str, keep_default_na=False).fillna("")
        except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            raise UserError(
                f"{path} can't be read as a table: {error}.",
                "Write it as a CSV in UTF-8 whose first line names the columns.",
            ) from None
        heading = str(table.columns[0])
        separators = [mark for mark in OTHER_SEPARATORS if mark in heading]
        if len(table.columns) == 1 and separators:
            raise UserError(
                f"The columns of {path} are separated by {separators[0]!r}.", "Write it with commas instead."
            )
        return table

    def images(self, folder: str, suffix: str, ids: list[str]) -> StreamedImages:
        """The images of a folder; none is read."""
        return StreamedImages(self.filesystem, self.path(folder), suffix, lambda: ids)

    def path(self, path: str) -> str:
        """A path of the filesystem from one below the root."""
        return f"{self.root}/{path}".rstrip("/")


def open_folder(folder: Path) -> Place:
    """A folder of this machine, which the stand-in for DagsHub can serve."""
    settings = {"host": None, "owner": None, "name": None, "branch": "main"}
    return Place(fsspec.filesystem("file"), str(folder.resolve()), settings, str(folder))


def open_repository(host: str, full_name: str, branch: str | None) -> Place:
    """A repository at the tip of a branch; whether it can be read is found out here.

    Args:
        host: URL of the service.
        full_name: "owner/name".
        branch: None is the repository's default.

    Raises:
        UserError: there is no such repository or branch, or it may not be read.
    """
    from mayo_kedro.streaming.filesystem import DagsHubFileSystem  # noqa: PLC0415

    owner, _, name = full_name.partition("/")
    # Not one that this process knows: the token may be another by now.
    filesystem = DagsHubFileSystem(host=host, skip_instance_cache=True)
    root = f"/{full_name}" + (f"@{quote(branch, safe='')}" if branch else "")
    repository, _ = filesystem.repository(root)
    try:
        found = branch or repository.ask_default_branch()
        commit = repository.commit
    except (RemoteFileNotFoundError, AccessRefusedError) as refusal:
        remedy = f"Check --repository, --branch and --host. {describe_token(host)}"
        raise UserError(refusal.what, remedy) from None
    told = f"{full_name} on {host}, branch {found}, commit {commit[:10]}"
    return Place(filesystem, root, {"host": host, "owner": owner, "name": name, "branch": found}, told)


def describe_token(host: str) -> str:
    """How to get a token."""
    return (
        "A private repository needs a token that may read it: "
        f"make one at {host}/user/settings/tokens, then `export {TOKEN_VARIABLE}=…` and start again."
    )
