"""What was submitted from this checkout, so that a later process can pick it up."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mayo_kedro.errors import UserError

FOLDER = ".jobs"


@dataclass(frozen=True)
class Record:
    """A submitted job.

    Attributes:
        run_id: its id with the service.
        kedro_run: id of the Kedro run that sent it; jobs that were sent together share it.
        group: name of the group of nodes.
        nodes: their names.
        submitted: when, in ISO format with the zone.
        environment: of the configuration.
        pipelines: names of the pipelines of the Kedro run; empty for the default one.
        parameters: what was given with `--params`.
        remaining: names of the nodes that were not done when the job was sent, these included.
        secrets: names of what lies in the service's key vault for this job.
        tracked_run: id of the MLflow run that the Kedro run is tracked in; None if it is not.
        job_tracked_run: of the job's own, below that.
    """

    run_id: str
    kedro_run: str
    group: str
    nodes: tuple[str, ...]
    submitted: str
    environment: str
    pipelines: tuple[str, ...]
    parameters: dict[str, Any]
    remaining: tuple[str, ...]
    secrets: tuple[str, ...] = ()
    tracked_run: str | None = None
    job_tracked_run: str | None = None


def write_record(project: Path, record: Record) -> None:
    """Keep a record, in `.jobs/` of the project; a record of the same run is replaced.

    Args:
        project: the project's folder.
        record: what to keep.
    """
    folder = project / FOLDER
    folder.mkdir(exist_ok=True)
    arriving = folder / f".{record.run_id}.{os.getpid()}"
    arriving.write_text(json.dumps(asdict(record), indent=1))
    os.replace(arriving, folder / f"{record.run_id}.json")


def forget_record(project: Path, run_id: str) -> None:
    """Remove the record of a job that there is not; harmless without one."""
    (project / FOLDER / f"{run_id}.json").unlink(missing_ok=True)


def read_record(project: Path, run_id: str) -> Record:
    """Read the record of a job.

    Raises:
        UserError: there is none, or it is damaged.
    """
    path = project / FOLDER / f"{run_id}.json"
    try:
        fields = json.loads(path.read_text())
        lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
        return Record(**{**fields, **lists})
    except FileNotFoundError:
        known = ", ".join(record.run_id for record in list_records(project)[:5]) or "none"
        raise UserError(
            f"{FOLDER}/ has no record of a job {run_id!r}; it knows {known}.",
            "Give the id of a job that was sent from this checkout.",
        ) from None
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} is damaged ({error}).", "Remove the file; the job itself is not lost."
        ) from None


def list_records(project: Path) -> list[Record]:
    """All jobs that were sent from this checkout, the newest first; damaged records are left out.

    Args:
        project: the project's folder.
    """
    found = []
    for path in (project / FOLDER).glob("*.json"):
        try:
            found.append(read_record(project, path.stem))
        except UserError:
            continue
    return sorted(found, key=lambda record: record.submitted, reverse=True)


def list_sent_together(project: Path, record: Record) -> list[Record]:
    """The jobs of the same Kedro run, this one included."""
    return [other for other in list_records(project) if other.kedro_run == record.kedro_run]
