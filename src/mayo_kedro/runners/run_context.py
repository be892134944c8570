"""What a runner that sends nodes away has to know of the run; Kedro tells it pipeline and catalog only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from kedro.config import AbstractConfigLoader


@dataclass(frozen=True)
class RunContext:
    """How the run was called, so that a job can be called alike.

    Attributes:
        project: the project's folder.
        environment: of the configuration, such as "azure".
        configuration: reads the files of that environment.
        pipelines: names of the pipelines that are run; empty for the default one.
        parameters: what was given with `--params`.
        job_variables: tells, when a job is sent, the environment variables that it needs to find the same
            data; no secrets.
    """

    project: Path
    environment: str
    configuration: AbstractConfigLoader
    pipelines: Sequence[str] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    job_variables: Callable[[], Mapping[str, str]] = dict


@runtime_checkable
class NeedsRunContext(Protocol):
    """A runner that has to know how the run was called."""

    def bind(self, context: RunContext) -> None:
        """Take what the session knows, before the run."""
