"""What a commit has to change in git so that DVC tracks something else."""

from collections.abc import Mapping

from mayo_kedro.sandbox.index import CommitIndex, Tracked
from mayo_kedro.sandbox.objects import Stored
from mayo_kedro.sandbox.outputs import Changes, describe_output, drop_output, ignore_output, unignore_output
from mayo_kedro.sandbox.repository import Repository

__all__ = ["Edits"]


class Edits:
    """Gathers `changes` of git's files on top of what a commit holds."""

    def __init__(self, repository: Repository, index: CommitIndex) -> None:
        self.changes: Changes = {}
        self._repository = repository
        self._index = index

    def track(self, path: str, stored: Stored, files: int | None = None) -> None:
        """Track a file, or a folder of so many files, with this content."""
        tracked = self._index.tracked.get(path)
        place = tracked.described_in if tracked else f"{path}.dvc"
        self.changes[place] = describe_output(path, stored, files, self._read(place))
        ignore_output(self.changes, self._read, path)

    def track_folder(self, path: str, files: Mapping[str, str]) -> None:
        """Track a folder that holds these files: the md5 of each by its path below the folder."""
        store = self._repository.store
        manifest = store.add_manifest(files)
        size = sum(store.measure(md5) for md5 in files.values())
        self.track(path, Stored(manifest.md5, size), len(files))

    def remove(self, path: str) -> None:
        """Take a file or folder away.

        Raises:
            FileNotFoundError: it is not there.
        """
        entry = self._index.find(path) if path else None
        if entry is None:
            raise FileNotFoundError(f"there is no {path!r} to remove")
        above = self._index.find_tracking(path)
        if above is not None and above.path != path:
            self._remove_below(above, path)
        elif entry.versioning == "git":
            self.changes[path] = None
        else:
            for tracked in self._index.tracked.values():
                if f"{tracked.path}/".startswith(f"{path}/"):
                    self._untrack(tracked)

    def _remove_below(self, folder: Tracked, path: str) -> None:
        gone = path[len(folder.path) + 1 :]
        files = self._index.manifests[folder.path].files
        left = {one: md5 for one, md5 in files.items() if not f"{one}/".startswith(f"{gone}/")}
        self.track_folder(folder.path, left)

    def _untrack(self, tracked: Tracked) -> None:
        place = tracked.described_in
        self.changes[place] = drop_output(tracked.path, self.changes.get(place) or self._read(place) or b"")
        unignore_output(self.changes, self._read, tracked.path)

    def _read(self, path: str) -> bytes | None:
        return self._repository.read_text(self._index, path)
