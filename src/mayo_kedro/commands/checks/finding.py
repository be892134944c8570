"""What a check is, and what it finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from mayo_kedro.mistakes import find_mistake
from mayo_kedro.runners.job import JobServiceError

Examined = TypeVar("Examined")
"""What is looked at: a set-up, or a connection to a workspace."""


class Level(Enum):
    """How bad a finding is; one that is wrong would fail a run, a job or a submission."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


Found = Iterator[tuple[Level, str, str]]
"""What a look gives: level, what was found, remedy."""


@dataclass(frozen=True)
class Finding:
    """What was found of a subject.

    Attributes:
        subject: what was looked at.
        level: how bad it is.
        said: what was found.
        remedy: what to do about it; "" if nothing needs doing.
    """

    subject: str
    level: Level
    said: str
    remedy: str = ""


@dataclass(frozen=True)
class Check(Generic[Examined]):
    """One look at one subject.

    Attributes:
        subject: what is looked at.
        look: gives what there is to say; what it raises becomes a finding.
    """

    subject: str
    look: Callable[[Examined], Found]

    def carry_out(self, examined: Examined) -> Iterator[Finding]:
        """Look, and go on with what can't be looked at."""
        try:
            for level, said, remedy in self.look(examined):
                yield Finding(self.subject, level, said, remedy)
        except JobServiceError as error:
            yield Finding(self.subject, Level.WRONG, str(error), "The service may answer again in a while.")
        except Exception as error:
            mistake = find_mistake(error)
            if mistake is None:
                raise
            yield Finding(self.subject, Level.WRONG, mistake.what, mistake.remedy)
