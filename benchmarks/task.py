"""What a measuring process is told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = "images"
"""Where the files lie in every repository."""


@dataclass(frozen=True)
class Task:
    """One measurement.

    Attributes:
        module: the module below `benchmarks` whose `prepare(task)` gives the work to measure.
        host: URL of the service.
        folder: empty, for this measurement alone.
        token: what the service asks for.
        repository: OWNER/NAME.
        commit: the only one of its branch main.
        rows: how many files its folder has.
        suffix: of the files.
        options: what else the module wants to know.
        preload: modules to import before the clock starts.
    """

    module: str
    host: str
    folder: str
    token: str = ""
    repository: str = ""
    commit: str = ""
    rows: int = 0
    suffix: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    preload: list[str] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The files' names without the suffix, in the order of the table."""
        return [file_id(row) for row in range(self.rows)]

    @property
    def names(self) -> list[str]:
        """The files' names."""
        return [f"{one}{self.suffix}" for one in self.ids]

    @property
    def target(self) -> Path:
        """The folder of this measurement."""
        return Path(self.folder)

    def raw_url(self, name: str) -> str:
        """Where the API serves a file."""
        return f"{self.host}/api/v1/repos/{self.repository}/raw/{self.commit}/{FOLDER}/{name}"


def file_id(row: int) -> str:
    """The id of the file that a row of the table is about."""
    return f"image_{row:07d}"


def spread_rows(rows: int, count: int) -> list[int]:
    """`count` row numbers at equal distances: rows of different contents, see `repositories.Made`."""
    return [int(row) for row in np.arange(count) * rows // count]
