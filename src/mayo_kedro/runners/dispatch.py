"""The jobs of one Kedro run: each is sent when its inputs are there, while the rest runs here."""

import functools
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from mayo_kedro.errors import UserError
from mayo_kedro.runners.backends import describe_environment, load_settings, make_backend
from mayo_kedro.runners.crossing.arrived_dataset import arrivals
from mayo_kedro.runners.crossing.boundary import inspect_boundary
from mayo_kedro.runners.crossing.crossings import Boundary, Way
from mayo_kedro.runners.grouping import NodeGroup
from mayo_kedro.runners.job import JobServiceError
from mayo_kedro.runners.job_run import JobRun
from mayo_kedro.runners.office import Office
from mayo_kedro.runners.order import OrderedPipeline, can_start, order_nodes
from mayo_kedro.runners.phases import Phases
from mayo_kedro.runners.records import Record
from mayo_kedro.runners.run_context import RunContext
from mayo_kedro.runners.sending.parcel import Parcel, pack_job, read_secrets
from mayo_kedro.runners.tracking import active_run_id
from mayo_kedro.runners.watching.display import JobDisplay
from mayo_kedro.runners.watching.interruption import Detached, interruption
from mayo_kedro.runners.watching.job_progress import Price

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class StayedInJob:
    """In place of a value that one node of a job made for another, or put where both sides reach it.

    Attributes:
        run_id: of the job.
    """

    run_id: str


class Dispatch:
    """Gives a pipeline in which stand-ins take the place of the nodes that run elsewhere.

    A context manager: within it Ctrl-C means the jobs.

    Args:
        context: of the Kedro run.
        pipeline: what runs, here and elsewhere.
        catalog: of the run.
        groups: the nodes that run elsewhere.
        kedro_run: id of the run.
        attached: by group, jobs that an earlier process has sent.

    Raises:
        UserError: something can't travel; nothing was sent.
    """

    def __init__(
        self,
        context: RunContext,
        pipeline: Pipeline,
        catalog: DataCatalog,
        groups: Sequence[NodeGroup],
        kedro_run: str,
        attached: Mapping[str, Record],
    ) -> None:
        self._context = context
        self._pipeline = pipeline
        self._catalog = catalog
        self._groups = groups
        self._kedro_run = kedro_run
        self._attached = attached
        self._settings = load_settings(context.configuration)
        made = pipeline.all_outputs()
        self._boundaries = {group.name: self._inspect(group, made) for group in groups}
        if len(attached) < len(groups):
            read_secrets(self._settings)
            describe_environment(context.project, self._settings)
        self._backend = make_backend(self._settings, context.configuration)
        self._machines = {group.tag: self._settings.machines(group.tag) for group in groups}
        self._runs: dict[str, JobRun] = {}
        self._results: dict[str, Future[dict[str, Any]]] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Find the workspace, and begin to show jobs and to take signals for them."""
        self._connect()
        enter = self._open.enter_context
        self._folder = Path(enter(TemporaryDirectory(prefix="mayo_kedro_")))
        self._arrived = enter(arrivals(self._catalog, self._list_arriving()))
        display = enter(JobDisplay())
        asked = enter(interruption(self._list_running, self._backend.cancel))
        self._pools = {
            tag: enter(ThreadPoolExecutor(machines.jobs_at_once, "job"))
            for tag, machines in self._machines.items()
        }
        self._open.push(self._end)
        self._office = Office(self._backend, self._settings, self._context.project, display, asked.stop)
        return self

    def __exit__(self, *error: Any) -> bool | None:
        """Wait for the jobs; after an error those that still run are cancelled."""
        return self._open.__exit__(*error)

    def _connect(self) -> None:
        """Log in before anything runs: a wrong name must not come to light after an hour."""
        try:
            logger.info("Azure ML: %s.", self._backend.describe())
        except JobServiceError as error:
            raise UserError(str(error), "Run again when it answers; nothing was sent.") from None

    def route(self) -> Pipeline:
        """The pipeline, in the order in which its nodes are to be visited."""
        owners = {node: group for group in self._groups for node in group.nodes}
        order = order_nodes(self._pipeline, self._groups)
        visits = [
            self._stand_in(node, owners[node], set(order[:index])) if node in owners else node
            for index, node in enumerate(order)
        ]
        return OrderedPipeline(visits)

    def _inspect(self, group: NodeGroup, awaited: set[str]) -> Boundary:
        return inspect_boundary(group, self._catalog, self._context.project, awaited, self._settings.secrets)

    def _stand_in(self, node: Node, group: NodeGroup, done: set[Node]) -> Node:
        @functools.wraps(node.func)
        def wait_for_job(*_: Any, **__: Any) -> Any:
            self._start_all(done)
            return _arrange(node, self._take(node, group))

        return node._copy(func=wait_for_job)

    def _start_all(self, done: set[Node]) -> None:
        """Start every job that can start now: they run side by side while this thread waits for one."""
        for group in self._groups:
            if group.name not in self._runs and can_start(group, self._pipeline, done):
                run = self._runs[group.name] = self._prepare(group, done)
                price = Price.of(self._machines[group.tag])
                self._office.display.name(run.record.run_id, group.name, price)
                self._results[group.name] = self._pools[group.tag].submit(run.carry_out)

    def _prepare(self, group: NodeGroup, done: set[Node]) -> JobRun:
        if group.name in self._attached:
            record, outputs = self._attached[group.name], self._boundaries[group.name].outputs
            self._note_tracking(group, record.job_tracked_run is not None)
            return JobRun(self._office, record, outputs)
        phases = Phases()
        with phases.measure("packing"):
            boundary = self._inspect(group, set())
            folder = self._folder / str(len(self._runs))
            parcel = pack_job(group, boundary, self._catalog, self._context, self._settings, folder)
        self._note_tracking(group, parcel.tracked is not None)
        return JobRun(self._office, self._describe(group, parcel, done), boundary.outputs, parcel, phases)

    def _describe(self, group: NodeGroup, parcel: Parcel, done: set[Node]) -> Record:
        return Record(
            run_id=parcel.spec.run_id,
            kedro_run=self._kedro_run,
            group=group.name,
            nodes=tuple(node.name for node in group.nodes),
            submitted=datetime.now(UTC).isoformat(timespec="seconds"),
            environment=self._context.environment,
            pipelines=tuple(self._context.pipelines),
            parameters=dict(self._context.parameters),
            remaining=tuple(node.name for node in self._pipeline.nodes if node not in done),
            secrets=tuple(parcel.secrets),
            tracked_run=active_run_id(),
            job_tracked_run=parcel.tracked.run_id if parcel.tracked else None,
        )

    def _take(self, node: Node, group: NodeGroup) -> dict[str, Any]:
        """What a node has made: values that came along, files that are in place, or a word that it stayed."""
        values = dict(self._wait_for(group))
        files = [output.name for output in self._boundaries[group.name].outputs if output.way is Way.FILE]
        values.update({name: self._catalog.load(name) for name in node.outputs if name in files})
        stayed = StayedInJob(self._runs[group.name].record.run_id)
        return {name: values.get(name, stayed) for name in node.outputs}

    def _wait_for(self, group: NodeGroup) -> dict[str, Any]:
        """The values of a job; if one beside it fails first, the run ends with that one's error."""
        result, pending = self._results[group.name], set(self._results.values())
        while not result.done():
            done, pending = wait(pending, return_when=FIRST_COMPLETED)
            for other in done:
                other.result()
        return result.result()

    def _list_arriving(self) -> list[str]:
        """What jobs make that does not come along as values."""
        made = [output for boundary in self._boundaries.values() for output in boundary.outputs]
        return [output.name for output in made if output.way is not Way.PACKED]

    def _note_tracking(self, group: NodeGroup, tracked: bool) -> None:
        for output in self._boundaries[group.name].outputs:
            if output.name in self._arrived:
                # What lies elsewhere did not come along, and can't be tracked from here.
                self._arrived[output.name].tracked = tracked or output.way is not Way.FILE

    def _list_running(self) -> list[str]:
        return [run.record.run_id for run in list(self._runs.values()) if run.is_running]

    def _end(self, kind: type[BaseException] | None, error: BaseException | None, _: Any) -> None:
        for name, result in self._results.items():
            if result.cancel():
                self._runs[name].drop()
        if kind is None:
            self._office.tell_machines()
        elif not isinstance(error, Detached):
            self._give_up()

    def _give_up(self) -> None:
        self._office.given_up.set()
        for run_id in self._list_running():
            self._office.cancel(run_id)


def _arrange(node: Node, values: Mapping[str, Any]) -> Any:
    """Return values as the node's own function would, by what its outputs were declared as."""
    declared = node._outputs
    if isinstance(declared, dict):
        return {key: values[name] for key, name in declared.items()}
    if isinstance(declared, list):
        return [values[name] for name in declared]
    return values[declared] if declared else None
