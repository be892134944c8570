"""Records of measurements, to be looked up by what they say about themselves."""

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.settings import Load
from benchmarks.turns import Record


@dataclass(frozen=True)
class Spread:
    """The values of some repeats."""

    median: float
    least: float
    most: float
    count: int


class Results:
    """Records of one measurement.

    Args:
        records: flat or nested dictionaries.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        self.records = list(records)

    def where(self, **wanted: Any) -> "Results":
        """Those records that say this about themselves."""
        return Results(
            one for one in self.records if all(one.get(name) == value for name, value in wanted.items())
        )

    def distinct(self, name: str) -> list[Any]:
        """The different values of a field, in order of appearance."""
        return list(dict.fromkeys(one[name] for one in self.records if name in one))

    def spread(self, *path: str | int) -> Spread | None:
        """The values of a field over the repeats.

        Args:
            path: the field's name, or the names and positions that lead to it.

        Returns:
            None if no record has it: everything was given up.
        """
        values = [_look_up(one, path) for one in self.records if path[0] in one]
        if not values:
            return None
        return Spread(statistics.median(values), min(values), max(values), len(values))

    def median(self, *path: str | int) -> float:
        """The median of a field over the repeats, see `spread`; NaN if no record has it."""
        found = self.spread(*path)
        return found.median if found else math.nan


def name_load(results: Results) -> str:
    """Tell how many files of which size the records are about."""
    files = int(results.median("files"))
    return str(Load(files, int(results.median("size")) // files))


def _look_up(record: Record, path: tuple[str | int, ...]) -> float:
    value: Any = record
    for key in path:
        value = value[key]
    return float(value)
