"""What a job has made comes back: verified, each file whole in its place or not there at all."""

import logging
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from mayo_kedro.errors import UserError
from mayo_kedro.progress import progress
from mayo_kedro.runners.crossing.crossings import Crossing, Way
from mayo_kedro.runners.crossing.manifest import Failure, Manifest, ResultFile, read_failure, read_manifest
from mayo_kedro.runners.crossing.packing import PackedValue, unpack
from mayo_kedro.runners.in_job.job_folder import FAILURE, MANIFEST, RESULTS
from mayo_kedro.runners.job import JobBackend
from mayo_kedro.runners.sending.fingerprints import hash_file

logger = logging.getLogger(__name__)

ATTEMPTS = 3
"""How often a file is fetched that is not what the job wrote."""


def bring_back(
    backend: JobBackend, run_id: str, outputs: Sequence[Crossing], project: Path
) -> dict[str, Any]:
    """Fetch what a finished job has made.

    Files go to their places in the project when all of them have arrived and are what the job wrote. Of an
    output that is a folder, files of earlier runs are removed.

    Args:
        backend: of the job.
        run_id: which.
        outputs: what is wanted, and how it travels.
        project: the project's folder.

    Returns:
        The values that live in memory, by dataset.

    Raises:
        UserError: an output is missing, or is still not what the job wrote when fetched anew.
    """
    # On the disk of the project, so that moving a file into its place is one step.
    with TemporaryDirectory(prefix=".arriving_", dir=project) as name:
        arriving = Path(name)
        backend.download(run_id, MANIFEST, arriving / MANIFEST)
        manifest = read_manifest(arriving)
        _require(manifest, outputs, run_id)
        wanted = [output for output in outputs if output.way is Way.FILE]
        for crossing in wanted:
            _require_place(manifest.files[crossing.name], crossing)
        _fetch(backend, run_id, manifest, arriving)
        for crossing in wanted:
            _put(manifest.files[crossing.name], crossing, arriving, project)
        return {name: unpack(arriving / RESULTS, packed) for name, packed in manifest.packed.items()}


def fetch_failure(backend: JobBackend, run_id: str) -> Failure | None:
    """Read what a failed job says of its end; None if it left no word."""
    if FAILURE not in backend.files(run_id):
        return None
    with TemporaryDirectory() as name:
        backend.download(run_id, FAILURE, Path(name) / FAILURE)
        return read_failure(Path(name))


def _require(manifest: Manifest, outputs: Sequence[Crossing], run_id: str) -> None:
    made = manifest.files.keys() | manifest.packed.keys()
    missing = [output.name for output in outputs if output.name not in made and _travels(output)]
    if missing:
        raise UserError(
            f"The job {run_id} ended without {', '.join(missing)}.",
            f"`kedro azure files {run_id}` lists what it left.",
        )


def _travels(output: Crossing) -> bool:
    return output.way in (Way.FILE, Way.PACKED)


def _fetch(backend: JobBackend, run_id: str, manifest: Manifest, folder: Path) -> None:
    wanted = [file for files in manifest.files.values() for file in files]
    packed = list(manifest.packed.values())
    with progress("Fetching results", len(wanted) + len(packed)) as advance:
        for file in wanted:
            _fetch_file(backend, run_id, file.artifact, file.sha256, folder)
            advance()
        for value in packed:
            _fetch_file(backend, run_id, _place_of(value), value.sha256, folder)
            advance()


def _place_of(value: PackedValue) -> str:
    return f"{RESULTS}/{Path(value.file).name}"


def _fetch_file(backend: JobBackend, run_id: str, artifact: str, sha256: str, folder: Path) -> None:
    for _ in range(ATTEMPTS):
        backend.download(run_id, artifact, folder / artifact)
        if hash_file(folder / artifact) == sha256:
            return
        logger.warning("%s of %s is not what the job wrote; fetching it again.", artifact, run_id)
    raise UserError(
        f"{artifact} of the job {run_id} is not what the job wrote, fetched {ATTEMPTS} times.",
        f"`kedro azure attach {run_id}` tries again; nothing was put into its place.",
    )


def _put(files: Sequence[ResultFile], crossing: Crossing, arriving: Path, project: Path) -> None:
    for file in files:
        target = project / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        (arriving / file.artifact).replace(target)
    folder = project / crossing.path
    if folder.is_dir():
        kept = {project / file.path for file in files}
        _remove_others(folder, crossing.suffix, kept)


def _require_place(files: Sequence[ResultFile], crossing: Crossing) -> None:
    """Refuse files outside of their dataset: what a job says of them is not trusted."""
    for file in files:
        path, place = PurePosixPath(file.path), PurePosixPath(crossing.path)
        if not _is_below(path, place) or not _is_below(PurePosixPath(file.artifact), RESULTS):
            raise UserError(
                f"The job wants to put a file of {crossing.name} to {path}, outside of {place}.",
                "The job did not run this project's code; look into its log.",
            )


def _is_below(path: PurePosixPath, place: PurePosixPath | str) -> bool:
    return ".." not in path.parts and path.is_relative_to(place)


def _remove_others(folder: Path, suffix: str, kept: set[Path]) -> None:
    for path in sorted(folder.rglob(f"*{suffix}"), reverse=True):
        if path.is_file() and path not in kept:
            path.unlink()
            _remove_if_empty(path.parent, folder)


def _remove_if_empty(path: Path, root: Path) -> None:
    if path != root and not any(path.iterdir()):
        path.rmdir()
