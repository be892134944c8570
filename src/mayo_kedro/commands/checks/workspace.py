"""Checks of the workspace; nothing is made there, so that nothing is paid for."""

from dataclasses import replace

from mayo_kedro.commands.checks.finding import Check, Found, Level
from mayo_kedro.commands.connection import Connection
from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.compute import compare, refuse_dearer
from mayo_kedro.runners.backends import describe_environment
from mayo_kedro.runners.job import ComputeSpec, ComputeState
from mayo_kedro.runners.machine_settings import MachineSettings
from mayo_kedro.runners.settings import SETTINGS_FILE

QUOTA_REMEDY = (
    "Ask for quota in the Azure portal, or change compute.size, compute.priority or compute.max_nodes "
    f"in {SETTINGS_FILE}."
)


def look_at_workspace(connection: Connection) -> Found:
    """Log in and find the workspace."""
    yield Level.OK, f"logged in: {connection.backend.describe()}", ""


def look_at_compute(connection: Connection) -> Found:
    """Compare the clusters with the settings."""
    for machines in connection.settings.list_machines():
        yield from _look_at_cluster(connection, machines)


def _look_at_cluster(connection: Connection, machines: MachineSettings) -> Found:
    spec = machines.compute_spec
    state = connection.backend.find_compute(spec.name)
    if state is None:
        yield Level.OK, f"{_describe(spec)} will be made by the first job", ""
        yield from _check_machines(connection, spec)
        return
    yield Level.OK, f"{_describe(spec)}: {state.nodes} machines up, {state.running_nodes} working", ""
    yield from _compare(state, spec, machines.node_count)
    yield from _check_machines(connection, _as_it_is(state, spec))


def _compare(state: ComputeState, spec: ComputeSpec, node_count: int) -> Found:
    try:
        refuse_dearer(state, spec)
    except UserError as refusal:
        yield Level.WRONG, refusal.what, refusal.remedy
    for difference in compare(state, spec):
        remedy = f"Change {SETTINGS_FILE}, or the cluster in the workspace: it stays as it is."
        yield Level.WARNING, difference, remedy
    if node_count > state.max_nodes:
        said = (
            f"node_count is {node_count}, and the cluster grows to {state.max_nodes}: a job would never start"
        )
        yield Level.WRONG, said, f"Lower node_count in {SETTINGS_FILE}, or let the cluster grow."
    for problem in state.problems:
        yield Level.WRONG, problem, "Ask for quota in the Azure portal, or choose another size or priority."


def _as_it_is(state: ComputeState, spec: ComputeSpec) -> ComputeSpec:
    # A cluster that exists stays as it is, whatever the settings ask for.
    nodes = min(spec.max_nodes, state.max_nodes)
    return replace(spec, size=state.size or spec.size, priority=state.priority, max_nodes=nodes)


def _check_machines(connection: Connection, spec: ComputeSpec) -> Found:
    for problem in connection.backend.check_machines(spec):
        yield Level.WRONG, problem, QUOTA_REMEDY


def _describe(spec: ComputeSpec) -> str:
    return f"{spec.name} of at most {spec.max_nodes} {spec.size}, {spec.priority} priority"


def look_at_environment(connection: Connection) -> Found:
    """Tell whether the container is there."""
    container = describe_environment(connection.project, connection.settings)
    known = connection.backend.knows_environment(container)
    yield Level.OK, "known to the workspace" if known else "new: the first job builds it, some 15 minutes", ""


LOGIN = Check("Workspace", look_at_workspace)
CHECKS = (Check("Cluster", look_at_compute), Check("Container", look_at_environment))
