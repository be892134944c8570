"""Filling a sandbox repository: with a commit only if the seed's content is not what it last committed."""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass, field
from functools import partial

from mayo_kedro.sandbox.objects import Stored
from mayo_kedro.sandbox.outputs import Changes, describe_output, ignore_output
from mayo_kedro.sandbox.repository import Repository
from mayo_kedro.sandbox.sources import Held, Say, Source, WeightsSource, collect

__all__ = ["Seeding"]

DVC_CONFIG = """[core]
    remote = origin
    autostage = false
['remote "origin"']
    url = {url}
"""
DVC_IGNORED = b"/config.local\n/tmp\n/cache\n"


@dataclass
class Marker:
    """What the seed last committed.

    Args:
        fingerprint: of the source.
        paths: a digest of each of git's files it wrote.
        weights: the fingerprint of the exported weights, then their md5, size and number of files.
    """

    fingerprint: str = ""
    paths: dict[str, str] = field(default_factory=dict)
    weights: tuple[str, str, int, int] | None = None


class Seeding:
    """Seeds one repository.

    Args:
        repository: made if it does not exist.
        host: the service's URL; the repository's first commit gives it to DVC as the place of its remote.
        say: tells the user what takes time.
    """

    def __init__(self, repository: Repository, host: str, say: Say) -> None:
        self._repository = repository
        self._url = f"{host}/{repository.owner}/{repository.name}.dvc"
        self._say = say
        self._place = repository.git_folder.with_suffix(".seed.json")
        self._scratch = repository.git_folder.with_suffix(".scratch")

    def seed(self, source: Source) -> None:
        """Commit the source's content if it has changed since the last time, or this is the first."""
        self._place.parent.mkdir(parents=True, exist_ok=True)
        with self._repository.writing():
            if not self._repository.exists():
                self._repository.create()
            marker = self._read_marker()
            fingerprint = f"{source.fingerprint()} {WeightsSource().fingerprint()}"
            if marker.fingerprint == fingerprint:
                return
            shutil.rmtree(self._scratch, ignore_errors=True)  # of a start that was killed
            files, ignored = self._describe(self._collect(source, marker))
            self._commit(files, ignored, marker.paths, source.name)
            marker.fingerprint, marker.paths = fingerprint, {path: _digest(files[path]) for path in files}
            self._write_marker(marker)

    def _collect(self, source: Source, marker: Marker) -> Held:
        store = self._repository.store
        with source.opened(self._scratch, self._say) as folder:
            held = collect(folder, store)
        if WeightsSource.name not in held.tracked:
            held.tracked[WeightsSource.name] = self._export_weights(marker)
        return held

    def _export_weights(self, marker: Marker) -> tuple[Stored, int | None]:
        source = WeightsSource()
        fingerprint = source.fingerprint()
        if marker.weights is None or marker.weights[0] != fingerprint:
            with source.opened(self._scratch, self._say) as folder:
                stored, files = collect(folder, self._repository.store).tracked[source.name]
            marker.weights = (fingerprint, stored.md5, stored.size, files or 0)
        _, md5, size, count = marker.weights
        return Stored(md5, size), count

    def _describe(self, held: Held) -> tuple[dict[str, bytes], list[str]]:
        described = {f"{path}.dvc": describe_output(path, *about) for path, about in held.tracked.items()}
        return {**held.texts, **described}, list(held.tracked)

    def _commit(self, files: dict[str, bytes], ignored: list[str], before: dict[str, str], name: str) -> None:
        branch = self._repository.default_branch
        tip = self._repository.branches().get(branch)
        index = self._repository.index(tip) if tip else self._repository.empty_index()

        read = partial(self._repository.read_text, index)
        changes: Changes = {path: None for path in before if path not in files and read(path) is not None}
        changes.update((path, files[path]) for path in files if before.get(path) != _digest(files[path]))
        for path in ignored:
            ignore_output(changes, read, path)
        changes.update((path, text) for path, text in self._dvc_files().items() if read(path) is None)
        changes = {path: text for path, text in changes.items() if text is None or read(path) != text}
        if changes:
            self._repository.commit(branch, tip, changes, f"Seed from {name}")

    def _dvc_files(self) -> dict[str, bytes]:
        return {".dvc/config": DVC_CONFIG.format(url=self._url).encode(), ".dvc/.gitignore": DVC_IGNORED}

    def _read_marker(self) -> Marker:
        return Marker(**json.loads(self._place.read_text())) if self._place.exists() else Marker()

    def _write_marker(self, marker: Marker) -> None:
        written = self._place.with_suffix(".new")
        written.write_text(json.dumps(asdict(marker)))
        written.replace(self._place)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
