"""Which data this run reads: repository, commit, and what the data say of themselves."""

import json
from typing import Any

from kedro_datasets._typing import JSONPreview

from mayo_kedro.datasets.remote import ReadOnlyDataset, read_notice
from mayo_kedro.streaming.filesystem import DagsHubFileSystem


class DataSourceDataset(ReadOnlyDataset[dict[str, str]]):
    """Loads what identifies the data, for the tracked run and the report.

    Args:
        filepath: any address in the repository, such as `dagshub://owner/name@branch`.
        notice: address of a text that says what the data are; may be missing in the repository.
        credentials: storage options that are secret, such as `token`.
        fs_args: other storage options.
        metadata: for Kedro's plugins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        notice: str | None = None,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, credentials=credentials, fs_args=fs_args, metadata=metadata)
        self._notice = notice

    def load(self) -> dict[str, str]:
        """Resolve the revision.

        Returns:
            host, repository ("owner/name"), branch, commit (40 hex digits) and notice ("" without one).
        """
        filesystem, path = self._connect()
        if not isinstance(filesystem, DagsHubFileSystem):
            return {
                "host": "",
                "repository": self._address,
                "branch": "",
                "commit": "",
                "notice": read_notice(filesystem, self._notice),
            }
        repository, _ = filesystem.repository(path)
        return {
            "host": filesystem.host,
            "repository": repository.full_name,
            "branch": repository.revision or "",
            "commit": repository.commit,
            "notice": read_notice(filesystem, self._notice),
        }

    def preview(self) -> JSONPreview:
        """Show repository and commit in Kedro-Viz."""
        return JSONPreview(json.dumps(self.load()))
