"""What the read-only datasets share: a place on a filesystem, and that nothing is saved there."""

from typing import Any, NoReturn, TypeVar

import fsspec
from fsspec import AbstractFileSystem
from kedro.io import AbstractDataset, DatasetError

Loaded = TypeVar("Loaded")


class ReadOnlyDataset(AbstractDataset[Any, Loaded]):
    """Something below an fsspec address, such as `dagshub://owner/name@branch/folder`.

    Args:
        filepath: the address.
        credentials: storage options that are secret, such as `token`.
        fs_args: other storage options.
        metadata: for Kedro's plugins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        # Not `_filepath`: Kedro-Viz measures what is called so, with a filesystem that has no credentials.
        self._address = filepath.rstrip("/")
        self._storage_options = {**(fs_args or {}), **(credentials or {})}
        self.metadata = metadata

    def _connect(self) -> tuple[AbstractFileSystem, str]:
        filesystem, path = fsspec.core.url_to_fs(self._address, **self._storage_options)
        return filesystem, path

    def save(self, data: Any) -> NoReturn:
        """Refuse: results are published by `DagsHubUploadDataset`."""
        raise DatasetError(f"{self._address} is read only.")

    def _exists(self) -> bool:
        filesystem, path = self._connect()
        return bool(filesystem.exists(path))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._address}


def read_notice(filesystem: AbstractFileSystem, path: str | None) -> str:
    """Read what a data set says of itself, such as that it is synthetic; "" where it says nothing."""
    if path is None or not filesystem.exists(path):
        return ""
    return str(filesystem.cat_file(path).decode("utf-8")).strip()
