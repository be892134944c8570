"""Publishing: saving a message here commits the run's results to the repository."""

import json
import logging
from collections.abc import Container, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import fsspec
from kedro.io import AbstractDataset

from mayo_kedro.errors import UserError
from mayo_kedro.progress import results

logger = logging.getLogger(__name__)


class Publication(Protocol):
    """A commit message with which not all files are sent."""

    @property
    def message(self) -> str:
        """Of the commit."""

    @property
    def left_out(self) -> Container[str]:
        """Names of the files that are not sent."""


class DagsHubUploadDataset(AbstractDataset[str | Publication, dict[str, str]]):
    """Saves a commit message by uploading the files that belong to it, versioned with DVC, in one commit.

    The files are read back before the save ends, and what was published is noted in `record`. What was
    uploaded before with the same content makes no second commit. Instead of the message something with a
    `message` and names of files that are `left_out` can be saved.

    Args:
        filepath: the folder in the repository, such as `dagshub://owner/name@main/results`.
        files: local files or patterns; each goes to its own name in the folder.
        record: a local JSON file for what was published last.
        enabled: False only says that nothing is published.
        commit_megabytes: more (10^6 bytes) is sent in several commits, since a service may refuse very
            large ones; None sends all in one.
        credentials: storage options that are secret, such as `token`.
        fs_args: other storage options.
        metadata: for Kedro's plugins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        files: list[str],
        record: str,
        enabled: bool,
        commit_megabytes: float | None = None,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._address = filepath  # see ReadOnlyDataset for the name
        self._files = files
        self._record = Path(record)
        self._enabled = enabled
        self._commit_bytes = float("inf") if commit_megabytes is None else commit_megabytes * 10**6
        self._storage_options = {**(fs_args or {}), **(credentials or {})}
        self.metadata = metadata

    def load(self) -> dict[str, str]:
        """What was published last: commit, folder and message."""
        return dict(json.loads(self._record.read_text()))

    def save(self, data: str | Publication) -> None:
        """Upload the files with the commit message."""
        told, left_out = (data, ()) if isinstance(data, str) else (data.message, data.left_out)
        if not self._enabled:
            logger.info("Nothing is published: publish is off for this repository (conf/base/globals.yml).")
            return
        filesystem, folder = fsspec.core.url_to_fs(self._address, **self._storage_options)
        parts = list(split_by_size(self._find_files(left_out), self._commit_bytes))
        for number, part in enumerate(parts, 1):
            message = told if len(parts) == 1 else f"{told} ({number} of {len(parts)})"
            commit = filesystem.upload(folder, part, message)
        self._record.parent.mkdir(parents=True, exist_ok=True)
        self._record.write_text(
            json.dumps({"commit": commit, "folder": self._address, "message": told}, indent=2)
        )
        results.info("Published to %s as commit %s, and read back.", self._address, commit[:10])

    def _find_files(self, left_out: Container[str]) -> dict[str, Path]:
        found = {
            path.name: path
            for pattern in map(Path, self._files)
            for path in sorted(pattern.parent.glob(pattern.name))
            if path.name not in left_out
        }
        if not found:
            raise UserError(
                f"There is nothing to publish: none of {', '.join(self._files)} exists.",
                "Run the modelling and reporting pipelines first, or mend `files` in the catalog.",
            )
        return found

    def _exists(self) -> bool:
        return self._enabled and self._record.exists()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._address, "files": self._files, "enabled": self._enabled}


def split_by_size(files: Mapping[str, Path], most_bytes: float) -> Iterator[dict[str, Path]]:
    """Divide files, in their order, into parts of at most so many bytes; a larger file is a part alone."""
    part: dict[str, Path] = {}
    size = 0
    for name, path in files.items():
        own = path.stat().st_size
        if part and size + own > most_bytes:
            yield part
            part, size = {}, 0
        part[name] = path
        size += own
    if part:
        yield part
