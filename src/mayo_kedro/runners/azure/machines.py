"""What machines the region offers, and how many of them the quota allows, before one is asked for."""

import logging
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from mayo_kedro.runners.azure.failures import status_of
from mayo_kedro.runners.azure.sdk import load_sdk
from mayo_kedro.runners.job import ComputeSpec, ComputeState

logger = logging.getLogger(__name__)

_EXAMPLES = 4
# A login that belongs to the workspace alone may not look at the subscription's quota.
_NOT_TOLD = (400, 403, 404)
_TOTALS = {"low": "TotalLowPriorityCores", "dedicated": "TotalDedicatedCores"}
_KINDS = {"low": "/lowprioritycores/usages", "dedicated": "/dedicatedcores/usages"}


def check_machines(workspace: Any, spec: ComputeSpec, state: ComputeState | None) -> list[str]:
    """Say why the machines of a cluster can't be had.

    Args:
        workspace: the SDK's.
        spec: the cluster.
        state: of the cluster, None if there is none yet; the quota counts its machines as used.

    Returns:
        What is wrong; empty where all is well, or where the service tells nothing.
    """
    try:
        return _find_problems(workspace, spec, state)
    except Exception as error:
        if status_of(error) not in _NOT_TOLD:
            raise
        logger.warning("Azure ML does not tell this login of machine sizes and quota: they are not checked.")
        return []


def _find_problems(workspace: Any, spec: ComputeSpec, state: ComputeState | None) -> list[str]:
    sizes = {size.name.casefold(): size for size in _list_sizes(workspace)}
    size = sizes.get(spec.size.casefold())
    if not sizes:
        return []
    if size is None:
        return [_tell_of_others(spec.size, workspace.location, [other.name for other in sizes.values()])]
    if spec.priority == "low" and size.low_priority_capable is False:
        return [f"{size.name} can't be had at low priority in {workspace.location}"]
    usages = load_sdk("core.compute").AmlCompute.list_usages(workspace)
    return list(_compare(spec, size, usages, _count_own(state, spec)))


def _list_sizes(workspace: Any) -> list[Any]:
    # AmlCompute.supported_vmsizes leaves out family and priority, which the SDK's client below it reads.
    login = workspace.service_context.get_auth()
    cloud = load_sdk("core.compute").ComputeTarget._get_resource_manager_endpoint(workspace)
    client = load_sdk("_restclient.rest_client").RestClient(login, cloud.rstrip("/"))
    found = client.virtual_machine_sizes.list(workspace.location, workspace.subscription_id)
    return found.aml_compute or []


def _tell_of_others(size: str, location: str, offered: list[str]) -> str:
    near = get_close_matches(size, offered, n=_EXAMPLES, cutoff=0)
    return f"{size} is not offered in {location}; there are {', '.join(near)}, among others"


def _compare(spec: ComputeSpec, size: Any, usages: list[Any], nodes: int) -> Iterator[str]:
    if not (size.family and size.v_cp_us):
        return
    needed = spec.max_nodes * size.v_cp_us
    for name, used, limit in find_limits(usages, size.family, spec.priority):
        left = max(0, limit - max(0, used - nodes * size.v_cp_us))
        if left < needed:
            yield (
                f"{spec.max_nodes} times {size.name} takes {needed} cores at {spec.priority} priority "
                f"(family {size.family}), and of the quota {name} {left} of {limit} are left"
            )


def _count_own(state: ComputeState | None, spec: ComputeSpec) -> int:
    if state is None or (state.size.casefold(), state.priority) != (spec.size.casefold(), spec.priority):
        return 0
    return state.nodes


def find_limits(usages: list[Any], family: str, priority: str) -> Iterator[tuple[str, int, int]]:
    """Pick the quotas that concern a family: its own, and that of all families together.

    Args:
        usages: as the service tells them.
        family: of machines.
        priority: "low" or "dedicated".

    Yields:
        Name, cores in use and limit in cores; what has no limit, or no known use, is left out.
    """
    names = (family.casefold(), _TOTALS[priority].casefold())
    for usage in usages:
        name, used, limit = _read(usage)
        is_total = name.casefold() == names[1]
        # The two priorities of a family go by the same name, and only their types differ.
        fits = is_total or (name.casefold() == names[0] and _is_kind(usage, priority))
        if fits and used is not None and limit is not None and limit >= 0:  # -1: without limit
            yield name, used, limit


def _read(usage: Any) -> tuple[str, int | None, int | None]:
    return str((usage.get("name") or {}).get("value")), usage.get("currentValue"), usage.get("limit")


def _is_kind(usage: Any, priority: str) -> bool:
    return str(usage.get("type")).casefold().endswith(_KINDS[priority])
