"""How far a job is, as plain data and in words."""

import time
from dataclasses import dataclass
from typing import Self

from mayo_kedro.runners.job import JobState, JobStatus
from mayo_kedro.runners.machine_settings import MachineSettings
from mayo_kedro.runners.watching.events import TrainingEvent


@dataclass(frozen=True)
class Price:
    """What machines cost.

    Attributes:
        per_hour: of one machine, in `currency`; None if it is not known.
        currency: such as USD.
        nodes: machines that a job uses.
    """

    per_hour: float | None = None
    currency: str = ""
    nodes: int = 1

    @classmethod
    def of(cls, machines: MachineSettings) -> Self:
        """The price of the machines of a job."""
        return cls(machines.price_per_hour, machines.currency, machines.node_count)

    def tell(self, seconds: float) -> str:
        """What a job has cost after so many seconds of running; "" for nothing, or without a price."""
        if self.per_hour is None or seconds <= 0:
            return ""
        return f"{self.per_hour * self.nodes * seconds / 3600:.2f} {self.currency}"


_WORDS = {
    "State": "{}",
    "Fold": "fold {}",
    "Epoch": "epoch {}",
    "Step": "step {}",
    "Images/s": "{} images/s",
    "Loss": "loss {}",
    "Time": "{}",
    "Cost": "{}",
}


class JobProgress:
    """What is known of a job; it takes in states and events as they come.

    Args:
        state: of the job.
        name: short, to tell it from others.
        price: of its machines.
    """

    def __init__(self, state: JobState, name: str, price: Price) -> None:
        self.state = state
        self.name = name
        self.event: TrainingEvent | None = None
        self._price = price
        self._images_per_second: float | None = None
        self._epochs: int | None = None
        self._earlier_seconds = 0.0
        self._waiting_since = time.monotonic()

    def take_state(self, state: JobState) -> None:
        """Take a newer state."""
        before, now = self.state.seconds_running or 0.0, state.seconds_running or 0.0
        # After a preemption the service counts anew; the first machines are paid for as well. Of an attempt
        # that is over it tells the time up to its end, which is less than what was told since.
        has_ended = now > 0 and state.status.is_over and state.attempt == self.state.attempt
        if now < before and not has_ended:
            self._earlier_seconds += before
        if self.state.status is not JobStatus.WAITING:
            self._waiting_since = time.monotonic()
        self.state = state

    def take_event(self, event: TrainingEvent) -> None:
        """Take a newer event."""
        self.event = event
        # Both are told at the end of an epoch, and hold until the next.
        self._images_per_second = event.images_per_second or self._images_per_second
        self._epochs = event.epochs or self._epochs

    @property
    def seconds(self) -> float:
        """How long it has had machines, over all attempts."""
        return self._earlier_seconds + (self.state.seconds_running or 0.0)

    @property
    def step(self) -> tuple[int, int] | None:
        """Batches done in the epoch, and how many there are; None but within an epoch."""
        event = self.event
        if not self._trains or event is None or event.step is None or not event.steps:
            return None
        return event.step, event.steps

    def describe_state(self) -> str:
        """The service's word for the state, and which attempt this is if not the first."""
        again = f", attempt {self.state.attempt}" if self.state.attempt > 1 else ""
        return f"{self.state.word}{again}"

    def describe(self) -> dict[str, str]:
        """Words by heading; "" for what is not known."""
        speed = self._images_per_second
        return {
            "Job": self.name,
            "State": f"{self.describe_state()} {describe_seconds(self._waited)}".rstrip(),
            "Fold": str(self.event.fold) if self.event and self._trains else "",
            "Epoch": self._describe_epoch(),
            "Step": "{}/{}".format(*self.step) if self.step else "",
            "Images/s": f"{speed:.0f}" if speed and self._trains else "",
            "Loss": self._describe_loss(),
            "Time": describe_seconds(self.seconds),
            "Cost": self._price.tell(self.seconds),
        }

    def summarize(self) -> str:
        """One line of all that."""
        told = self.describe()
        return " · ".join(words.format(told[heading]) for heading, words in _WORDS.items() if told[heading])

    @property
    def _trains(self) -> bool:
        return self.event is not None and self.state.status is JobStatus.RUNNING

    @property
    def _waited(self) -> float:
        return time.monotonic() - self._waiting_since if self.state.status is JobStatus.WAITING else 0.0

    def _describe_epoch(self) -> str:
        if self.event is None or not self._trains:
            return ""
        of_epochs = f"/{self._epochs}" if self._epochs else ""
        return f"{self.event.epoch + 1}{of_epochs} {self.event.stage.replace('_', '-')}"

    def _describe_loss(self) -> str:
        if self.event is None or self.event.loss is None:
            return ""
        validation = f", validation {self.event.val_loss:.3f}" if self.event.val_loss is not None else ""
        return f"{self.event.loss:.3f}{validation}"


def describe_seconds(seconds: float) -> str:
    """A duration for people, such as 1:02:05 or 0:09; "" for none."""
    if seconds <= 0:
        return ""
    minutes, left = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
