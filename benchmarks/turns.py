"""Measuring in turn, A B C, A B C, …: what disturbs the machine for a while disturbs them all."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.process import MeasurementError

Record = dict[str, Any]


@dataclass(frozen=True)
class Patience:
    """How often something is measured, and how long at most.

    Attributes:
        repeats: of each measurement.
        once_seconds: what takes longer than this, and than twice the physical limit, is not repeated.
        give_up_seconds: after which a process is killed.
    """

    repeats: int
    once_seconds: float
    give_up_seconds: float

    def is_lost(self, record: Record, limit_seconds: float) -> bool:
        """Tell whether something failed, or is so slow that it is not repeated."""
        return "seconds" not in record or record["seconds"] > max(self.once_seconds, 2 * limit_seconds)


def take_turns(
    ways: Sequence[str], measure: Callable[[str], Record], patience: Patience, limit_seconds: float = 0.0
) -> Iterator[Record]:
    """Measure all ways, again and again.

    Args:
        ways: their names.
        measure: does one measurement.
        patience: how often.
        limit_seconds: the physical limit; what comes near it is repeated however long it takes.

    Yields:
        One record for each measurement, as soon as it is done; one that failed has the reason in `failed`.
    """
    lost: set[str] = set()
    for repeat in range(patience.repeats):
        for way in [way for way in ways if way not in lost]:
            record = {"way": way, "repeat": repeat, **_try(measure, way)}
            if patience.is_lost(record, limit_seconds):
                lost.add(way)
            yield record


def _try(measure: Callable[[str], Record], way: str) -> Record:
    try:
        return measure(way)
    except MeasurementError as error:
        return {"failed": str(error)}
