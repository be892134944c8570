"""What the nodes of a job make, gathered in outputs/results for the sender."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kedro.io import DataCatalog, MemoryDataset

from mayo_kedro.errors import UserError
from mayo_kedro.runners.crossing.crossings import Crossing, Way
from mayo_kedro.runners.crossing.locations import Location, list_files
from mayo_kedro.runners.crossing.manifest import Manifest, ResultFile, write_atomically
from mayo_kedro.runners.crossing.packing import PackedValue, pack
from mayo_kedro.runners.in_job.job_folder import MANIFEST, RESULTS
from mayo_kedro.runners.sending.fingerprints import hash_file


class PackingDataset(MemoryDataset):
    """A dataset in memory that also packs what is saved: Kedro releases it after its last reader.

    Args:
        name: of the dataset.
        folder: where the packed file goes.
    """

    def __init__(self, name: str, folder: Path) -> None:
        super().__init__()
        self._name, self._folder = name, folder
        self.packed: PackedValue | None = None

    def save(self, data: Any) -> None:
        """Keep and pack a value.

        Raises:
            UserError: its type has no open format.
        """
        super().save(data)
        self.packed = pack(data, self._folder, self._name)


class JobOutputs:
    """Takes what is saved in memory, and copies the files of the other outputs.

    Args:
        crossings: the outputs, and how they travel.
        folder: the job's working folder.
    """

    def __init__(self, crossings: Iterable[Crossing], folder: Path) -> None:
        crossings = tuple(crossings)
        self._folder = folder
        self._files = [crossing for crossing in crossings if crossing.way is Way.FILE]
        names = [crossing.name for crossing in crossings if crossing.way is Way.PACKED]
        self._in_memory = {name: PackingDataset(name, folder / RESULTS) for name in names}

    def add_to(self, catalog: DataCatalog) -> None:
        """Have the catalog save here what it would keep in memory."""
        for name, dataset in self._in_memory.items():
            catalog[name] = dataset

    def collect(self) -> None:
        """Copy the files, and write outputs/results/manifest.json last, which says that all is there.

        Raises:
            UserError: an output was not made.
        """
        packed = {name: self._require_packed(name) for name in self._in_memory}
        files = {crossing.name: tuple(self._copy(crossing)) for crossing in self._files}
        write_atomically(Manifest(packed=packed, files=files), self._folder / MANIFEST)

    def _require_packed(self, name: str) -> PackedValue:
        packed = self._in_memory[name].packed
        if packed is None:
            raise _was_not_made(name)
        return packed

    def _copy(self, crossing: Crossing) -> list[ResultFile]:
        made = list_files(Location("file", self._folder / crossing.path, crossing.suffix))
        if not made:
            raise _was_not_made(crossing.name)
        return [self._copy_file(crossing, path) for path in made]

    def _copy_file(self, crossing: Crossing, path: Path) -> ResultFile:
        place = self._folder / crossing.path
        within = path.relative_to(place) if path != place else Path(path.name)
        artifact = self._folder / RESULTS / quote(crossing.name, safe="") / within
        artifact.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, artifact)
        return ResultFile(
            path=path.relative_to(self._folder).as_posix(),
            artifact=artifact.relative_to(self._folder).as_posix(),
            sha256=hash_file(artifact),
            bytes=artifact.stat().st_size,
        )


def _was_not_made(name: str) -> UserError:
    return UserError(
        f"The nodes of the job ended, and {name!r} was not made.",
        "Look into the node that should return it; its other outputs stay with the job.",
    )
