"""The runner that sends the tagged nodes of a pipeline to Azure ML, and runs the others here."""

from collections.abc import Iterable, Sequence

from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from pluggy import PluginManager

from mayo_kedro.errors import UserError
from mayo_kedro.runners.crossing.locations import is_kept
from mayo_kedro.runners.dispatch import Dispatch
from mayo_kedro.runners.grouping import group_nodes
from mayo_kedro.runners.records import Record
from mayo_kedro.runners.run_context import RunContext


class AzureMLRunner(SequentialRunner):
    """Runs a pipeline of which the tagged nodes run as jobs on Azure ML.

    Hooks, releases, hints how to resume and `--only-missing-outputs` are Kedro's own: each tagged node is
    visited like any other, through a stand-in that waits for the job and hands over what it made.

    Args:
        tags: mark the nodes that go away; which machines a tag gets is in conf/azure/azureml.yml.
    """

    def __init__(self, tags: Sequence[str] = ("gpu",)) -> None:
        super().__init__()
        self._tags = tuple(tags)
        self._attached: dict[str, Record] = {}
        self._context: RunContext | None = None

    def __str__(self) -> str:
        """Also what Kedro-Viz looks for: it keeps the status of sequential runs only (kedro-viz #2443)."""
        own = f"{type(self).__module__}.{type(self).__name__}"
        return f"<{own}, a kedro.runner.sequential_runner.SequentialRunner object>"

    def bind(self, context: RunContext) -> None:
        """Take what the session knows of the run."""
        self._context = context

    def attach(self, records: Iterable[Record]) -> None:
        """Take up jobs that an earlier process has sent, instead of sending their nodes again."""
        self._attached = {record.group: record for record in records}

    def _run(  # type: ignore[override]  # of Kedro's two kinds of catalog this project has the first
        self,
        pipeline: Pipeline,
        catalog: DataCatalog,
        hook_manager: PluginManager | None = None,
        run_id: str | None = None,
    ) -> None:
        kept = {name for name in pipeline.all_outputs() if is_kept(catalog, name)}
        groups = group_nodes(pipeline, self._tags, kept)
        if not groups:
            super()._run(pipeline, catalog, hook_manager, run_id)
            return
        context = self._require_context()
        with Dispatch(context, pipeline, catalog, groups, str(run_id), self._attached) as dispatch:
            super()._run(dispatch.route(), catalog, hook_manager, run_id)

    def _require_context(self) -> RunContext:
        if self._context is None:
            raise UserError(
                f"{type(self).__name__} does not know how the run was called.",
                "Run it with `kedro run` or `session.run()` of this project.",
            )
        return self._context
