"""A file of which only the parts that are read travel."""

from typing import Any

from fsspec import AbstractFileSystem
from fsspec.spec import AbstractBufferedFile

from mayo_kedro.streaming.entries import Entry
from mayo_kedro.streaming.errors import TransferError
from mayo_kedro.streaming.repository import Repository


class RangedFile(AbstractBufferedFile):  # type: ignore[misc]  # fsspec has no type hints
    """A large file, read in blocks; memory is bounded by the blocks that fsspec's cache keeps.

    Args:
        filesystem: whose file it is.
        path: its address there.
        repository: that holds it.
        entry: of the file, with its size.
        **options: of fsspec's `AbstractBufferedFile`, such as `block_size` in bytes and `cache_type`.
    """

    def __init__(
        self, filesystem: AbstractFileSystem, path: str, repository: Repository, entry: Entry, **options: Any
    ) -> None:
        super().__init__(filesystem, path, "rb", size=entry.size, **options)
        self._repository = repository
        self._entry = entry

    def _fetch_range(self, start: int, end: int) -> bytes:
        commit = self._repository.commit_of(self._entry.path)
        body = self._repository.contents.read_range(self._entry, commit, start, end)
        if body is None or len(body) != min(end, self.size) - start:
            raise TransferError(
                f"{self._entry.path!r} in {self._repository.full_name} did not come in the part that was "
                f"asked for (bytes {start} to {end}).",
                "Read it again; the service grants parts of files, but not this one.",
            )
        return body
