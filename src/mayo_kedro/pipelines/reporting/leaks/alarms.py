"""What makes a result doubtful: each an alarm, with the rows that raised it."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

Row = dict[str, str | int | float]

KINDS = (
    "patients_across_folds",
    "duplicates_across_folds",
    "centres_across_folds",
    "folds_of_one_class",
    "above_ceiling",
    "name_predicts_label",
    "size_predicts_label",
    "compression_predicts_label",
    "centre_predicts_label",
)


@dataclass(frozen=True)
class Alarm:
    """A reason to doubt.

    Attributes:
        kind: one of `KINDS`.
        voids: the numbers can't be trusted at all; otherwise they need to be read with care.
        title: what was found, in a few words.
        message: what it means and what to do about it.
        rows: where it was found; all have the same names.
    """

    kind: str
    voids: bool
    title: str
    message: str
    rows: list[Row]


def to_json(alarms: Iterable[Alarm]) -> dict[str, dict[str, Any]]:
    """Turn alarms into plain values, by their kind."""
    return {alarm.kind: asdict(alarm) for alarm in alarms}


def count_alarms(alarms: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """Turn alarms into metrics, so that runs can be compared and searched by them.

    Args:
        alarms: from `to_json`.

    Returns:
        `leak_alarms`, how many kinds there are, `leak_alarms_that_void`, and for every kind
        `alarm_<kind>`: the number of its rows.
    """
    rows = {kind: len(alarm["rows"]) for kind, alarm in alarms.items()}
    return {
        "leak_alarms": len(alarms),
        "leak_alarms_that_void": sum(alarm["voids"] for alarm in alarms.values()),
        **{f"alarm_{kind}": rows.get(kind, 0) for kind in KINDS},
    }
