"""The cluster: made if it is missing, looked at, and never changed."""

import logging
from typing import Any

from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.failures import clean, explain
from mayo_kedro.runners.azure.sdk import load_sdk
from mayo_kedro.runners.job import ComputeSpec, ComputeState
from mayo_kedro.runners.settings import SETTINGS_FILE

logger = logging.getLogger(__name__)

MAKING_SECONDS = 600
_ENDS = ("Succeeded", "Failed", "Canceled")
_PRIORITIES = {"low": "lowpriority", "dedicated": "dedicated"}


def find_cluster(workspace: Any, name: str) -> Any | None:
    """Look for a cluster.

    Args:
        workspace: the SDK's.
        name: of the cluster.

    Returns:
        The SDK's `AmlCompute`, or None if there is none of this name.

    Raises:
        UserError: the name belongs to something that is not a cluster.
    """
    sdk = load_sdk("core.compute")
    try:
        target = sdk.ComputeTarget(workspace, name)
    except load_sdk("exceptions").ComputeTargetException as error:
        if "ComputeTargetNotFound" in str(error):
            return None
        raise
    if not isinstance(target, sdk.AmlCompute):
        raise UserError(
            f"compute.name is {name!r}, which is not a cluster but a {target.type}.",
            f"Name a cluster in {SETTINGS_FILE}, or a new one: it is made.",
        )
    return target


def make_cluster(workspace: Any, spec: ComputeSpec) -> None:
    """Make a cluster that has no machines until a job needs some.

    Args:
        workspace: the SDK's.
        spec: what it shall be.

    Raises:
        UserError: the service does not make it, for want of quota for instance.
        JobServiceError: it takes too long.
    """
    sdk = load_sdk("core.compute")
    plan = sdk.AmlCompute.provisioning_configuration(
        vm_size=spec.size,
        vm_priority=_PRIORITIES[spec.priority],
        min_nodes=0,
        max_nodes=spec.max_nodes,
        idle_seconds_before_scaledown=spec.idle_seconds,
    )
    logger.info("Making the cluster %s of %s, which costs nothing while it is idle.", spec.name, spec.size)
    cluster = sdk.ComputeTarget.create(workspace, spec.name, plan)
    _wait_until_made(cluster)


def read_state(cluster: Any) -> ComputeState:
    """Put the SDK's description of a cluster into ours.

    Args:
        cluster: an `AmlCompute`, as fresh as the state shall be.
    """
    status = cluster.status  # None until it is made
    counts = status and status.node_state_counts
    problems = list((status and status.errors) or []) + list(cluster.provisioning_errors or [])
    return ComputeState(
        nodes=int((status and status.current_node_count) or 0),
        running_nodes=int((counts and counts.running_node_count) or 0),
        max_nodes=int(cluster.scale_settings.maximum_node_count if cluster.scale_settings else 0),
        size=str(cluster.vm_size or ""),
        priority="dedicated" if str(cluster.vm_priority).lower() == "dedicated" else "low",
        problems=tuple(_describe(problem) for problem in problems),
    )


def compare(state: ComputeState, spec: ComputeSpec) -> list[str]:
    """Say in which ways an existing cluster is not what the settings ask for.

    Args:
        state: of the cluster.
        spec: what the settings ask for.
    """
    told = []
    if state.size.lower() != spec.size.lower():
        told.append(f"its machines are {state.size}, and compute.size is {spec.size}")
    if state.priority != spec.priority:
        told.append(f"its priority is {state.priority}, and compute.priority is {spec.priority}")
    if state.max_nodes < spec.max_nodes:
        told.append(f"it grows to {state.max_nodes} machines, and compute.max_nodes is {spec.max_nodes}")
    return told


def refuse_dearer(state: ComputeState, spec: ComputeSpec) -> None:
    """Refuse a cluster of dedicated machines, several times the price, where low priority is asked for.

    Args:
        state: of the cluster.
        spec: what the settings ask for.

    Raises:
        UserError: it is such a cluster.
    """
    if (state.priority, spec.priority) == ("dedicated", "low"):
        raise UserError(
            f"The machines of the cluster {spec.name} are dedicated, and compute.priority is low: "
            "they would cost several times as much.",
            f"Set compute.priority to dedicated in {SETTINGS_FILE} to pay that, or name another cluster.",
        )


def _wait_until_made(cluster: Any) -> None:
    # Not the SDK's own waiting, which looks every five seconds and prints.
    retrying = Retrying(
        retry=retry_if_result(lambda state: state not in _ENDS),
        stop=stop_after_delay(MAKING_SECONDS),
        wait=wait_fixed(1),
        retry_error_callback=lambda _: "still being made",
    )

    def look() -> str:
        cluster.refresh_state()
        return str(cluster.provisioning_state)

    state = retrying(look)
    if state != "Succeeded":
        told = "; ".join(read_state(cluster).problems) or state
        raise explain(RuntimeError(told), f"making the cluster {cluster.name}")


def _describe(problem: Any) -> str:
    # The SDK passes on what the service sent: a mapping, perhaps with another one inside.
    inner = problem.get("error", problem) if isinstance(problem, dict) else problem
    if isinstance(inner, dict):
        return clean(": ".join(str(inner[key]) for key in ("code", "message") if inner.get(key)))
    return clean(str(inner))
