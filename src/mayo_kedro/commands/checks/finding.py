"""What a check is, and what it finds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from mayo_kedro.commands.connection import Connection
from mayo_kedro.mistakes import find_mistake
from mayo_kedro.runners.job import JobServiceError


class Level(Enum):
    """How bad a finding is; one that is wrong would fail a job or a submission."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


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
class Check:
    """One look at one subject.

    Attributes:
        subject: what is looked at.
        look: gives what there is to say; what it raises becomes a finding.
    """

    subject: str
    look: Callable[[Connection], Iterator[tuple[Level, str, str]]]

    def carry_out(self, connection: Connection) -> Iterator[Finding]:
        """Look, and go on with what can't be looked at."""
        try:
            for level, said, remedy in self.look(connection):
                yield Finding(self.subject, level, said, remedy)
        except JobServiceError as error:
            yield Finding(self.subject, Level.WRONG, str(error), "The service may answer again in a while.")
        except Exception as error:
            mistake = find_mistake(error)
            if mistake is None:
                raise
            yield Finding(self.subject, Level.WRONG, mistake.what, mistake.remedy)
