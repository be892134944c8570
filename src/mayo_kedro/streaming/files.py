"""Files in a folder, by name, each fetched when its path is asked for."""

from pathlib import Path

from fsspec import AbstractFileSystem


class StreamedFile:
    """One file that is fetched when its path is read.

    Args:
        filesystem: an fsspec filesystem with `fetch`, or the local one.
        address: the file's path there.
    """

    def __init__(self, filesystem: AbstractFileSystem, address: str) -> None:
        self._filesystem = filesystem
        self._address = address
        self.name = address.rpartition("/")[2]

    @property
    def path(self) -> Path:
        """A local copy, verified; it must not be changed."""
        fetch = getattr(self._filesystem, "fetch", None)
        return Path(fetch(self._address)) if fetch else Path(self._address)


class StreamedFiles:
    """A folder of files of which only the ones that are used travel.

    Args:
        filesystem: an fsspec filesystem.
        folder: where the files lie.
    """

    def __init__(self, filesystem: AbstractFileSystem, folder: str) -> None:
        self._filesystem = filesystem
        self._folder = folder.rstrip("/")

    def __getitem__(self, name: str) -> StreamedFile:
        """The file of this name; whether it exists shows when its path is read."""
        return StreamedFile(self._filesystem, f"{self._folder}/{name}")
