"""Kedro's runner in a job: takes what was sent, runs the nodes here, leaves what is to be brought back."""

from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.runner import SequentialRunner
from pluggy import PluginManager

from mayo_kedro.runners.crossing.packing import unpack
from mayo_kedro.runners.in_job.failures import record_failure
from mayo_kedro.runners.in_job.job_folder import INPUTS
from mayo_kedro.runners.in_job.job_outputs import JobOutputs
from mayo_kedro.runners.in_job.start import is_chief
from mayo_kedro.runners.sending.request import JobRequest, read_request

ONCE = "first_machine"
"""Tag of nodes that only the first of several machines runs: they need what it alone has."""


class JobRunner(SequentialRunner):
    """Runs the nodes of job/request.json; Kedro's hooks fire as on any machine.

    Of several machines that work together only the chief saves anything.
    """

    def run(  # type: ignore[override]  # of Kedro's two kinds of catalog a job has the first
        self,
        pipeline: Pipeline,
        catalog: DataCatalog,
        hook_manager: PluginManager | None = None,
        run_id: str | None = None,
        only_missing_outputs: bool = False,
    ) -> dict[str, Any]:
        """Run the nodes, see `AbstractRunner.run`; outputs/results then has the manifest or the failure."""
        folder = Path.cwd()
        request, noted = read_request(folder), _CurrentNode()
        outputs = JobOutputs(request.outputs, folder) if is_chief() else None
        if hook_manager is not None:
            hook_manager.register(noted)
        try:
            _add_inputs(catalog, request, folder)
            if outputs is None:
                pipeline -= pipeline.only_nodes_with_tags(ONCE)
                _keep_in_memory(catalog, pipeline)
            else:
                outputs.add_to(catalog)
            made = super().run(pipeline, catalog, hook_manager, run_id, only_missing_outputs)
            if outputs is not None:
                outputs.collect()
        except Exception as error:
            if outputs is not None:
                record_failure(error, folder, node=noted.name, secrets=request.secrets)
            raise
        return dict(made)


class _CurrentNode:
    """Remembers which node began last."""

    def __init__(self) -> None:
        self.name = ""

    @hook_impl
    def before_dataset_loaded(self, node: Node) -> None:
        self.name = node.name

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        self.name = node.name


def _add_inputs(catalog: DataCatalog, request: JobRequest, folder: Path) -> None:
    for packed in request.inputs:
        catalog[packed.name] = MemoryDataset(unpack(folder / INPUTS, packed))


def _keep_in_memory(catalog: DataCatalog, pipeline: Pipeline) -> None:
    for name in pipeline.all_outputs():
        catalog[name] = MemoryDataset(copy_mode="assign")
