"""The part of the project that is sent to a job: an allow-list, copied to a folder of its own."""

import os
import shutil
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from mayo_kedro.errors import UserError
from mayo_kedro.runners.crossing.crossings import NOT_FOR_DATA
from mayo_kedro.runners.sending.fingerprints import LOCK, hash_file, hash_listing, python_version
from mayo_kedro.runners.sending.request import Fingerprints
from mayo_kedro.runners.sending.scanning import refuse_secrets
from mayo_kedro.runners.sending.snapshot_size import measure, refuse_oversize, tell_size

CREDENTIALS = "conf/base/credentials.yml"

_TOP = ("pyproject.toml", LOCK, ".telemetry")
_IGNORE_FILE = ".amlignore"
_IGNORED = """\
# Made with this folder, which holds only what may be sent: what these lines name is not here anyway.
.git/
.env
.venv/
conf/local/
notebooks/
__pycache__/
*.pyc
.ipynb_checkpoints/
"""


@dataclass(frozen=True)
class StagedProject:
    """A folder that can be sent.

    Attributes:
        folder: where it lies.
        files: sha256 of each file by its path there, but for the ignore file and what is in job/.
        fingerprints: of lock, Python and all these files.
    """

    folder: Path
    files: dict[str, str]
    fingerprints: Fingerprints


def stage_project(
    project: Path,
    target: Path,
    data_files: Iterable[Path] = (),
    configuration: Path | None = None,
) -> StagedProject:
    """Copy what a job needs: src/, conf/ without credentials and conf/local/, the lock, named data.

    `check_snapshot` is to be called when everything else is in the folder too.

    Args:
        project: the project's folder.
        target: an empty folder, or one to be made.
        data_files: files of datasets, relative to the project.
        configuration: the folder of the configuration, if it is not conf/ of the project.

    Raises:
        UserError: a link leads out of the project, the credentials hold more than names of environment
            variables, a file is missing, or there is too much.
    """
    sources = dict(_find_code(project, configuration or project / "conf"))
    sources.update((path.as_posix(), _find_data(project, path)) for path in data_files)
    _require_names_only(sources.get(CREDENTIALS))
    refuse_oversize({path: source.stat().st_size for path, source in sources.items()})
    target.mkdir(parents=True, exist_ok=True)
    (target / _IGNORE_FILE).write_text(_IGNORED, encoding="utf-8")
    for path, source in sources.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target / path)
    # Of the copies: what is hashed is what is sent.
    files = {path: hash_file(target / path) for path in sorted(sources)}
    taken = Fingerprints(python=python_version(), lock=files[LOCK], code=hash_listing(files))
    return StagedProject(target, files, taken)


def check_snapshot(folder: Path, secrets: Collection[str] = ()) -> dict[str, int]:
    """Look for secrets and measure, with everything in its place.

    Args:
        folder: the staged project, with job/.
        secrets: environment variables whose values reach the job in another way, and must be in no file.

    Returns:
        The size in bytes of each file by its path.

    Raises:
        UserError: there seems to be a secret, or there is too much.
    """
    sizes = measure(folder)
    refuse_oversize(sizes)
    refuse_secrets(folder, sizes, secrets)
    tell_size(sizes)
    return sizes


def _find_code(project: Path, configuration: Path) -> Iterator[tuple[str, Path]]:
    for name in _TOP:
        if not (project / name).is_file():
            raise UserError(
                f"{project / name} is missing, and a job needs it.", "Bring it back; git tracks it."
            )
        yield name, project / name
    yield from _walk("src", project / "src")
    yield from _walk("conf", configuration)


def _walk(name: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """All files below a folder that may travel, with the paths that they travel under."""
    waiting = [(name, folder)]
    while waiting:
        place, path = waiting.pop()
        if not _may_travel(place):
            continue
        _require_no_way_out(path, folder)
        if path.is_dir():
            waiting += [(f"{place}/{entry.name}", entry) for entry in path.iterdir()]
        else:
            yield place, path


def _require_no_way_out(entry: Path, root: Path) -> None:
    if not entry.is_symlink() or entry == root:
        return
    end = entry.resolve()
    if not (end.is_file() and end.is_relative_to(root.resolve())):
        raise UserError(
            f"{entry} is a link to {end}, which is no file in {root}.",
            "Put a copy in its place: only files of the project itself are sent.",
        )


def _may_travel(path: str) -> bool:
    first, *rest = path.split("/")
    made = (part == "__pycache__" or part.endswith((".egg-info", ".pyc")) for part in rest)
    if any(made) or any(part.startswith(".") for part in rest):
        return False
    if first != "conf" or path == CREDENTIALS:
        return True
    return rest[:1] != ["local"] and not any(part.startswith("credentials") for part in rest)


def _find_data(project: Path, path: Path) -> Path:
    relative = Path(os.path.normpath(path))
    allowed = not relative.is_absolute() and relative.parts[0] not in ("..", *NOT_FOR_DATA)
    if not allowed or not (project / path).is_file():
        raise UserError(
            f"{path} is {'missing' if allowed else 'no place for data'}, and a dataset of the job is there.",
            "Run the pipeline that makes it first, or change its path in the catalog to one below data/.",
        )
    return project / path


def _require_names_only(credentials: Path | None) -> None:
    if credentials is None:
        return
    for name, value in _list_fields(yaml.safe_load(credentials.read_text(encoding="utf-8")) or {}, ""):
        if isinstance(value, str) and not (value.startswith("${") and value.endswith("}")):
            raise UserError(
                f"{credentials}: {name} has a value of its own, and this file is sent to the job.",
                "Write ${oc.env:NAME,null} there, and put the value into the environment variable NAME.",
            )


def _list_fields(value: object, name: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _list_fields(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, value
