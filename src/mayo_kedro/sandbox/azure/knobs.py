"""What can be made to go otherwise than well, at the start and while the service runs."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

__all__ = ["KNOBS", "NAMES", "Knobs", "convert"]

# what can be set at the start only
NAMES = {
    "subscription": "the id of the subscription (one of the state folder's own)",
    "group": "the name of the resource group (sandbox)",
    "workspace": "the name of the workspace (rehearsal)",
}

# name, type, and what it does, in the words of the command's help
KNOBS: dict[str, tuple[type, str]] = {
    "queue_seconds": (float, "each run waits so long before it gets a node"),
    "preemptions": (int, "the next so many times a run is due, it loses its nodes and starts anew"),
    "preempt_after": (float, "due so many seconds after its process was started, or at once (0)"),
    "preempt_on": (str, "due when this text is in its log, or a file of this path is in its folder"),
    "start_failures": (int, "the next so many runs fail before their process is started"),
    "refuse_submissions": (str, "refuse them with this status so many times, as in 503*2"),
    "lost_answers": (int, "the next so many runs are made, but the connection is cut instead of the answer"),
    "kept_secrets": (int, "the next so many times a secret is not deleted, as by a lack of rights"),
    "fault": (str, "answer STATUS so many TIMES to paths like GLOB, as in 503*2*/history/*"),
    "corrupt": (str, "send one wrong byte with the next file read whose path is like this GLOB"),
    "token_requests": (int, "after so many requests all tokens issued until then expire, those of runs too"),
    "token_seconds": (float, "a client's token lasts so long"),
    "run_token_seconds": (float, "a run's token lasts so long"),
    "quota_cores": (
        int,
        "cores that the subscription may use: of each family dedicated, of all at low priority",
    ),
    "log_delay": (float, "seconds before anything is read of a log"),
    "log_bytes": (float, "a second, of what is read of logs"),
}


@dataclass
class Knobs:
    """The settings that concern runs, machines and logs; the others become faults and lifetimes."""

    queue_seconds: float = 0.0
    preemptions: int = 0
    preempt_after: float = 0.0
    preempt_on: str = ""
    start_failures: int = 0
    quota_cores: int = 10_000
    log_delay: float = 0.0
    log_bytes: float | None = None

    def set(self, settings: Mapping[str, Any]) -> None:
        """Take over those of the settings that are here."""
        for field in fields(self):
            if field.name in settings:
                setattr(self, field.name, settings[field.name])

    def use(self, name: str) -> bool:
        """Whether there is one left of a number of times; it is used up."""
        left: int = getattr(self, name)
        setattr(self, name, max(0, left - 1))
        return left > 0


def convert(name: str, value: object) -> Any:
    """The value of a knob in its type.

    Raises:
        ValueError: there is no such knob, or it cannot be set so.
    """
    if name not in KNOBS:
        raise ValueError(f"there is no knob {name}; there are {', '.join(KNOBS)}")
    kind = KNOBS[name][0]
    try:
        converted = kind(str(value))
    except ValueError:
        raise ValueError(f"{name} has to be a number, not {value!r}") from None
    if kind is not str and converted < 0:
        raise ValueError(f"{name} is {value}: it cannot be less than 0")
    return converted
