"""Jobs as they go, live: a table in a terminal or a notebook, a line now and then elsewhere."""

import html
import logging
import sys
import threading
import time
from contextlib import ExitStack
from typing import Any, Protocol, Self

from rich.table import Table
from rich.text import Text

from mayo_kedro.progress import LINE_SECONDS, is_live, shown_above
from mayo_kedro.runners.job import JobState, JobStatus
from mayo_kedro.runners.watching.events import TrainingEvent
from mayo_kedro.runners.watching.job_progress import JobProgress, Price

logger = logging.getLogger(__name__)


class JobDisplay:
    """Shows jobs while it is open, one row each; several threads may tell it of theirs.

    At the end of a cell a notebook shows it too.

    Args:
        price: of a job's machines, where `name` gives no other.
    """

    def __init__(self, price: Price | None = None) -> None:
        self._price = price or Price()
        self._jobs: dict[str, JobProgress] = {}
        self._names: dict[str, str] = {}
        self._prices: dict[str, Price] = {}
        self._lock = threading.RLock()
        self._view: _View = _Lines()
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Begin to show."""
        if _is_notebook():
            self._view = _Widget(self)
        elif is_live():
            self._view = _Table()
            self._open.enter_context(shown_above(self))
        return self

    def __exit__(self, *_: object) -> None:
        """Stop showing; the last state of each job stays to be read."""
        self._open.close()
        self._view.close(list(self._jobs.values()))

    def name(self, run_id: str, name: str, price: Price | None = None) -> None:
        """Give a job a short name, without which it is the end of its id, and the price of its machines."""
        self._names[run_id], self._prices[run_id] = name, price or self._price

    def prefix(self, run_id: str) -> str:
        """What to put before a line of a job: its name where there are several, else ""."""
        several = len(self._jobs.keys() | self._names.keys()) > 1
        return f"{self._name(run_id)}: " if several else ""

    def update(self, state: JobState) -> None:
        """Show a newer state."""
        with self._lock:
            job = self._job(state.run_id)
            job.take_state(state)
            self._view.changed(job)

    def event(self, run_id: str, event: TrainingEvent) -> None:
        """Take an event of a job's training; it is seen with the job's next state."""
        with self._lock:
            self._job(run_id).take_event(event)

    def _job(self, run_id: str) -> JobProgress:
        if run_id not in self._jobs:
            unknown = JobState(run_id, JobStatus.WAITING, "Unknown")
            price = self._prices.get(run_id, self._price)
            self._jobs[run_id] = JobProgress(unknown, self._name(run_id), price)
        return self._jobs[run_id]

    def _name(self, run_id: str) -> str:
        return self._names.get(run_id) or run_id.rpartition("_")[2]

    def __rich__(self) -> Table:
        """For a terminal."""
        rows = self._describe()
        table = Table(box=None, padding=(0, 1, 0, 0))
        for heading in _headings(rows):
            table.add_column(heading, no_wrap=heading == "Job")
        for row in rows:
            table.add_row(*(Text(row[heading]) for heading in _headings(rows)))
        return table

    def __repr__(self) -> str:
        """For a notebook that shows no HTML."""
        return "\n".join(f"Job {job.name}: {job.summarize()}" for job in self._jobs.values())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        # Both at once: for a text of its own IPython would ask rich, which leaves an empty output each time.
        return {"text/html": self._repr_html_(), "text/plain": repr(self)}

    def _repr_html_(self) -> str:
        with self._lock:
            rows = [(row, job) for row, job in zip(self._describe(), self._jobs.values(), strict=True)]
            return _draw_html(rows) if rows else "<p>No job has been sent yet.</p>"

    def _describe(self) -> list[dict[str, str]]:
        with self._lock:
            return [job.describe() for job in self._jobs.values()]


def _headings(rows: list[dict[str, str]]) -> list[str]:
    """The columns that any row has something in."""
    headings = dict.fromkeys(heading for row in rows for heading in row)
    return [heading for heading in headings if any(row[heading] for row in rows)]


def _is_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class _View(Protocol):
    def changed(self, job: JobProgress) -> None:
        """Show what is new of a job."""

    def close(self, jobs: list[JobProgress]) -> None:
        """Leave something to be read later."""


class _Table:
    """rich asks for the table by itself, and clears it in the end."""

    def changed(self, job: JobProgress) -> None:
        pass

    def close(self, jobs: list[JobProgress]) -> None:
        for job in jobs:
            _log(job)


class _Lines:
    """Says each change of state, and how the training goes now and then."""

    def __init__(self) -> None:
        self._said: dict[str, tuple[str, float]] = {}

    def changed(self, job: JobProgress) -> None:
        state, now = job.describe_state(), time.monotonic()
        before, since = self._said.get(job.state.run_id, ("", 0.0))
        if state != before or (job.event is not None and now - since >= LINE_SECONDS):
            self._said[job.state.run_id] = state, now
            _log(job)

    def close(self, jobs: list[JobProgress]) -> None:
        pass


class _Widget:
    """A piece of HTML in the output of the cell, which is put in place of itself."""

    def __init__(self, shown: JobDisplay) -> None:
        from IPython.display import display  # noqa: PLC0415  only a notebook has it loaded

        self._shown = shown
        show: Any = display
        self._handle = show(shown, display_id=True)

    def changed(self, job: JobProgress) -> None:
        self._handle.update(self._shown)

    def close(self, jobs: list[JobProgress]) -> None:
        pass


def _log(job: JobProgress) -> None:
    logger.info("Job %s: %s", job.name, job.summarize(), extra={"markup": False})


_CELL = "text-align:left; white-space:nowrap; padding-right:1em"


def _draw_html(rows: list[tuple[dict[str, str], JobProgress]]) -> str:
    headings = _headings([row for row, _ in rows])
    head = "".join(f'<th scope="col" style="{_CELL}">{html.escape(name)}</th>' for name in headings)
    body = "".join(
        "<tr>" + "".join(_draw_cell(row[name], name, job) for name in headings) + "</tr>" for row, job in rows
    )
    return f'<table aria-label="Jobs"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _draw_cell(text: str, heading: str, job: JobProgress) -> str:
    drawn = html.escape(text)
    if heading == "Job" and job.state.page.startswith("https://"):
        drawn = f'<a href="{html.escape(job.state.page)}" target="_blank" rel="noopener">{drawn}</a>'
    if heading == "Step" and job.step:
        done, steps = job.step
        drawn = f'{drawn} <progress value="{done}" max="{steps}" style="width:6em" aria-label="{drawn}">'
        drawn += "</progress>"
    return f'<td style="{_CELL}">{drawn}</td>'
