"""The life of one job: sent, watched, brought back, and cleared up after."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mayo_kedro.errors import UserError
from mayo_kedro.runners.crossing.crossings import Crossing
from mayo_kedro.runners.crossing.returning import bring_back
from mayo_kedro.runners.job import JobServiceError, JobState, JobStatus
from mayo_kedro.runners.office import Office
from mayo_kedro.runners.phases import Phases
from mayo_kedro.runners.records import Record, forget_record, write_record
from mayo_kedro.runners.sending.parcel import FINGERPRINT_TAG, Parcel
from mayo_kedro.runners.tracking import TrackedRun, adopt, drop_child, end_child
from mayo_kedro.runners.watching.following import SilenceError, follow
from mayo_kedro.runners.watching.outcome import explain_end

logger = logging.getLogger(__name__)

_TRACKED_AS = {JobStatus.COMPLETED: "FINISHED", JobStatus.CANCELLED: "KILLED"}


class LeftRunningError(Exception):
    """The user has detached: nobody waits for the job any more."""


class NotSentError(Exception):
    """The run has failed before the job was sent."""


class JobRun:
    """One job.

    Args:
        office: shared with the other jobs.
        record: of the job; kept on disk once it is sent.
        outputs: what is to be brought back.
        parcel: what is to be sent; None for a job that was sent before.
        phases: what preparing it took.
    """

    def __init__(
        self,
        office: Office,
        record: Record,
        outputs: Sequence[Crossing],
        parcel: Parcel | None = None,
        phases: Phases | None = None,
    ) -> None:
        self._office = office
        self._backend = office.backend
        self.record = record
        self._outputs = outputs
        self._parcel = parcel
        self._phases = phases or Phases()
        self.is_sent = self.is_running = parcel is None

    def carry_out(self) -> dict[str, Any]:
        """Send the job, if it was not, watch it and bring its results back.

        Returns:
            The values that live in memory, by dataset; files are in their places.

        Raises:
            UserError: the job failed, was cancelled or could not be sent, or the service does not answer.
            LeftRunningError: the user has detached.
            NotSentError: the run has failed before the job was sent.
        """
        try:
            finished = self._find_finished()
            if finished is not None:
                return self._bring_back(finished)
            if self._parcel is not None:
                self._send(self._parcel)
            return self._see_through()
        except JobServiceError as error:
            attach = f"`kedro azure attach {self.record.run_id}` goes on when it answers again."
            raise UserError(
                str(error), attach if self.is_sent else "Run again when it answers; nothing was sent."
            ) from None

    def _see_through(self) -> dict[str, Any]:
        state = self._watch()
        with self._cleared_up(state.status):
            if state.status is not JobStatus.COMPLETED:
                raise explain_end(self._backend, state)
            return self._bring_back(state.run_id)

    def _bring_back(self, run_id: str) -> dict[str, Any]:
        return bring_back(self._backend, run_id, self._outputs, self._office.project)

    def _find_finished(self) -> str | None:
        if self._parcel is None or not self._office.settings.resume:
            return None
        same = {FINGERPRINT_TAG: self._parcel.fingerprint}
        for state in self._backend.find(self._office.settings.experiment, same):
            if state.status is JobStatus.COMPLETED:
                logger.info("Nothing has changed since the job %s: taking its results.", state.run_id)
                drop_child(self._parcel.tracked)
                return state.run_id
        return None

    def drop(self) -> None:
        """Forget a job that is not sent after all."""
        drop_child(self._parcel.tracked if self._parcel else None)

    def _send(self, parcel: Parcel) -> None:
        try:
            self._office.open(parcel.spec, self._phases)
            with self._phases.measure("secrets"):
                for name, value in parcel.secrets.items():
                    self._backend.put_secret(name, value)
            if self._office.given_up.is_set():
                raise NotSentError
            with self._phases.measure("snapshot and submission"):
                self._submit(parcel)
        except BaseException:
            self._delete_secrets()
            end_child(parcel.tracked, "FAILED")
            raise
        logger.info("Sent %s as job %s (%s).", self.record.group, self.record.run_id, self._phases)
        adopt(parcel.tracked)
        self.is_sent = self.is_running = True
        if self._office.given_up.is_set():
            self._office.cancel(self.record.run_id)

    def _submit(self, parcel: Parcel) -> None:
        # Before it is sent: if this process dies with the answer, the job can still be found.
        write_record(self._office.project, self.record)
        try:
            self._backend.submit(parcel.spec)
        except Exception:
            self._withdraw()
            raise

    def _withdraw(self) -> None:
        """End a job that the service may have taken without saying so; it would run, and cost."""
        run_id = self.record.run_id
        try:
            self._backend.cancel(run_id)
        except UserError:  # there is no such job
            forget_record(self._office.project, run_id)
        except JobServiceError:
            what = "Whether the service has taken the job %s is not known: `kedro azure cancel %s` ends it."
            logger.error(what, run_id, run_id)

    def _watch(self) -> JobState:
        try:
            state = self._follow()
        except SilenceError:  # the job goes on, and needs its secrets
            raise
        except UserError:
            with self._cleared_up(JobStatus.CANCELLED):
                raise
        if not state.status.is_over:
            raise LeftRunningError
        return state

    def _follow(self) -> JobState:
        variables = self._office.settings.secrets
        return follow(
            self._backend,
            self.record.run_id,
            self._office.display,
            queue_minutes=self._office.settings.queue_minutes,
            secrets=[os.environ[name] for name in variables if os.environ.get(name)],
            stop=self._office.stop,
        )

    @contextmanager
    def _cleared_up(self, status: JobStatus) -> Iterator[None]:
        self.is_running = False
        try:
            yield
        finally:
            self._delete_secrets()
            if self.record.job_tracked_run is not None:
                run = TrackedRun(self.record.job_tracked_run, self.record.tracked_run or "")
                end_child(run, _TRACKED_AS.get(status, "FAILED"))

    def _delete_secrets(self) -> None:
        for name in self.record.secrets:
            try:
                self._backend.delete_secret(name)
            except Exception as error:  # whatever it is, the job's own outcome must not be lost for it
                what = "The secret %s could not be deleted from the key vault (%s); delete it there."
                logger.error(what, name, type(error).__name__)
