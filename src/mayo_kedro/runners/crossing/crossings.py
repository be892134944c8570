"""How datasets cross between this machine and a job, in plain data."""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

NOT_FOR_DATA = (".git", "src", "conf", "job", "outputs", "logs")
"""Folders of the project, or of a job, in which no dataset's file may lie."""


class Way(StrEnum):
    """How a dataset gets to the other side."""

    PACKED = "packed"
    """It is in memory: packed into a file by its type."""
    FILE = "file"
    """It is a file, or a folder of files, of this project: copied to the same place."""
    REACHABLE = "reachable"
    """It lies where both sides reach it, such as a repository or a storage account."""
    HANDLE = "handle"
    """It has no place: the job makes its own from the same catalog, such as a monitor of the training."""


@dataclass(frozen=True)
class Crossing:
    """How one dataset crosses.

    Attributes:
        name: of the dataset.
        way: how.
        path: of FILE: the file or folder, relative to the project, in POSIX form; else "".
        suffix: of FILE: which files of the folder count; "" for all.
        files: of an input that is FILE: relative to the project; none where it is still to be made.
    """

    name: str
    way: Way
    path: str = ""
    suffix: str = ""
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class Boundary:
    """Everything that crosses for a group of nodes.

    Attributes:
        inputs: what is read, without parameters.
        outputs: what is made and needed afterwards.
        parameters: what the group's nodes read, nested and in plain values: `params` of `kedro run`.
    """

    inputs: tuple[Crossing, ...]
    outputs: tuple[Crossing, ...]
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def data_files(self) -> tuple[Path, ...]:
        """The files that travel with the code, relative to the project."""
        return tuple(Path(file) for crossing in self.inputs for file in crossing.files)
