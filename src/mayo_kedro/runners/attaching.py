"""Going on with a run whose process has ended while its jobs were under way."""

from pathlib import Path
from typing import Any

from kedro.framework.project import pipelines, settings
from kedro.framework.startup import bootstrap_project
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from mayo_kedro.errors import UserError
from mayo_kedro.runners.choice import make_runner
from mayo_kedro.runners.crossing.locations import is_kept
from mayo_kedro.runners.records import Record, list_sent_together, read_record
from mayo_kedro.runners.remote import AzureMLRunner


def attach(run_id: str, project: Path) -> None:
    """Pick up a job, with those that were sent together with it, and finish the pipeline.

    Args:
        run_id: of a job that was sent from this checkout.
        project: the project's folder.

    Raises:
        UserError: there is no record of the job, or what ends a run ends this one.
    """
    record = read_record(project, run_id)
    together = list_sent_together(project, record)
    bootstrap_project(project)
    with settings.SESSION_CLASS.create(
        project_path=project, env=record.environment, runtime_params=_parameters(record)
    ) as session:
        context = session.load_context()
        runner = make_runner(context.config_loader)
        if not isinstance(runner, AzureMLRunner):
            raise UserError(
                f"The environment {record.environment!r} has no runner that sends jobs.",
                f"Bring back conf/{record.environment}/runner.yml as it was when the job was sent.",
            )
        runner.attach(together)
        remaining = {name for one in together for name in one.remaining}
        pipeline = sum((pipelines[name] for name in record.pipelines or ("__default__",)), Pipeline([]))
        session.run(
            pipeline_names=list(record.pipelines),
            node_names=list_unfinished(pipeline, remaining, context.catalog),
            runner=runner,
        )


def list_unfinished(pipeline: Pipeline, remaining: set[str], catalog: DataCatalog) -> list[str]:
    """Name the nodes that still have to run.

    Args:
        pipeline: what the earlier process ran.
        remaining: names of the nodes that it had not finished.
        catalog: tells what outlives a process.

    Returns:
        These, and the nodes before them whose outputs were in that process's memory, in order.
    """
    makers = {name: node for node in pipeline.nodes for name in node.outputs}
    wanted = [node for node in pipeline.nodes if node.name in remaining]
    found: list[Node] = []
    while wanted:
        node = wanted.pop()
        found.append(node)
        lost = [makers[name] for name in node.inputs if name in makers and not is_kept(catalog, name)]
        wanted += [maker for maker in lost if maker not in found and maker not in wanted]
    return [node.name for node in pipeline.nodes if node in found]


def _parameters(record: Record) -> dict[str, Any]:
    own = {"mlflow_run_id": record.tracked_run} if record.tracked_run else {}
    return {**record.parameters, **own}
