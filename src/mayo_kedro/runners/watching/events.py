"""How a job tells its sender how the training goes: one line of its log for each event."""

import re
import time
from typing import TextIO

from pydantic import BaseModel, ValidationError

MARK = "MAYO-EVENT"
JOB_VARIABLE = "MAYO_JOB"
"""Set in a process that runs in a job; only there events are written."""

EVENT_SECONDS = 1.0

_EVENT = re.compile(rf"{MARK} (\{{.*\}})\s*$")


class TrainingEvent(BaseModel, frozen=True):
    """How far a training is.

    Attributes:
        fold: the held-out fold.
        stage: "frozen" or "fine_tune", after the number of the trial where settings are searched.
        epoch: from 0, over both stages.
        epochs: how many there are at most; None within an epoch, where it is not known.
        step: batches done in this epoch; None after its end.
        steps: batches in the epoch; None after its end.
        images_per_second: in this epoch so far.
        loss: running mean of the epoch.
        val_loss: of the validation patients; only after an epoch's end.
    """

    fold: int
    stage: str
    epoch: int
    epochs: int | None = None
    step: int | None = None
    steps: int | None = None
    images_per_second: float | None = None
    loss: float | None = None
    val_loss: float | None = None


def take_event(line: str) -> tuple[str, TrainingEvent | None]:
    """Part a line of a log from the event in it.

    Args:
        line: of the job's log.

    Returns:
        What else the line holds, and the event; None if there is none or it is damaged.
    """
    found = _EVENT.search(line)
    if found is None:
        return line, None
    try:
        return line[: found.start()], TrainingEvent.model_validate_json(found[1])
    except ValidationError:
        return line, None


class EventWriter:
    """Writes events to a stream, within an epoch at most one a second.

    Args:
        stream: whose lines become the job's log.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next = 0.0

    def step(self, event: TrainingEvent) -> None:
        """Tell of a batch, unless the last one was told of a moment ago."""
        if time.monotonic() >= self._next:
            self.write(event)

    def write(self, event: TrainingEvent) -> None:
        """Tell of something that must not be left out."""
        self._next = time.monotonic() + EVENT_SECONDS
        # One write, so that no other thread's line comes between.
        self._stream.write(f"{MARK} {event.model_dump_json(exclude_none=True)}\n")
        self._stream.flush()
