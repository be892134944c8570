"""What a job has made: outputs/results/manifest.json, written last, or failure.json."""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from mayo_kedro.runners.crossing.packing import PackedValue
from mayo_kedro.runners.in_job.job_folder import FAILURE, MANIFEST


class ResultFile(BaseModel):
    """A file of a dataset.

    Attributes:
        path: where it belongs, relative to the project.
        artifact: where the job left it, such as outputs/results/history/history.csv.
        sha256: of its content.
        bytes: its size.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    artifact: str
    sha256: str
    bytes: int


class Manifest(BaseModel):
    """Everything that came of a job.

    Attributes:
        packed: values in memory, by dataset; their files are in outputs/results/.
        files: of the datasets that are files, by dataset; the files of a folder are all of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    packed: dict[str, PackedValue]
    files: dict[str, tuple[ResultFile, ...]]


class Failure(BaseModel):
    """Why a job ended without results.

    Attributes:
        type: of the error, such as "ValueError".
        message: its text.
        traceback: as Python prints it; "" where it says nothing to the user.
        node: which failed; "" if none had begun.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    message: str
    traceback: str = ""
    node: str = ""


def write_atomically(model: BaseModel, path: Path) -> None:
    """Write a model as JSON: whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arriving = path.with_suffix(".part")
    arriving.write_text(model.model_dump_json(indent=1), encoding="utf-8")
    os.replace(arriving, path)


def read_manifest(folder: Path) -> Manifest:
    """Read what a job has made.

    Args:
        folder: that holds the job's `outputs/`.
    """
    return Manifest.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))


def read_failure(folder: Path) -> Failure | None:
    """Read why a job failed; None if it left no word.

    Args:
        folder: that holds the job's `outputs/`.
    """
    path = folder / FAILURE
    return Failure.model_validate_json(path.read_text(encoding="utf-8")) if path.is_file() else None
