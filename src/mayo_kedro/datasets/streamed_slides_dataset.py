"""The slides of a folder, opened where they are worked on."""

from typing import Any

from mayo_kedro.datasets.remote import ReadOnlyDataset
from mayo_kedro.streaming.slides import Slide, list_slides


class StreamedSlidesDataset(ReadOnlyDataset[list[Slide]]):
    """Loads a list of `Slide`: names, sizes and hashes; no slide is opened.

    Example of a catalog entry::

        slides:
          type: mayo_kedro.datasets.StreamedSlidesDataset
          filepath: dagshub://owner/name@main/slides
          pattern: "*.tif"
          spool_gigabytes: 4
          credentials: dagshub

    Args:
        filepath: the folder: of a repository, of a bucket that is connected to one
            (`dagshub://owner/name/.dagshub/storage/s3/bucket/folder`), of this disk, or any fsspec address.
        pattern: of the files' names.
        spool_gigabytes: where a place does not give parts of files, each worker may have a copy of at most
            so many (10^9 bytes) on its disk while it reads a slide.
        credentials: storage options that are secret, such as `token`.
        fs_args: other storage options.
        metadata: for Kedro's plugins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        pattern: str,
        spool_gigabytes: float,
        credentials: dict[str, Any] | None = None,
        fs_args: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(filepath=filepath, credentials=credentials, fs_args=fs_args, metadata=metadata)
        self._pattern = pattern
        self._spool_bytes = int(spool_gigabytes * 10**9)

    def load(self) -> list[Slide]:
        """List the slides, by name."""
        filesystem, folder = self._connect()
        return list_slides(filesystem, folder, self._pattern, self._spool_bytes)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._address, "pattern": self._pattern}
