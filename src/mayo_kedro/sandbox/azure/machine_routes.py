"""What machines the region has, and how many cores of them the subscription may use."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox.azure.compute_routes import Computes
from mayo_kedro.sandbox.azure.knobs import Knobs
from mayo_kedro.sandbox.azure.refusals import refuse_resource
from mayo_kedro.sandbox.azure.workspace import LOCATION, Workspace

__all__ = ["Machines"]

PLACE = "/subscription/providers/Microsoft.MachineLearningServices/locations/{location}"
KIND = "Microsoft.MachineLearningServices"
UNLIMITED = -1


@dataclass(frozen=True)
class Size:
    """A kind of machine.

    Attributes:
        name: as in a cluster's `vmSize`.
        family: whose quota it uses.
        cores: virtual ones.
        gpus: how many.
        memory_gb: in GB.
        disk_mb: of the temporary disk, in MB.
        low_priority: whether it can be had so.
    """

    name: str
    family: str
    cores: int
    gpus: int
    memory_gb: float
    disk_mb: int
    low_priority: bool = True

    def describe(self) -> dict[str, Any]:
        """The size as the service sends it."""
        return {
            "name": self.name,
            "family": self.family,
            "vCPUs": self.cores,
            "gpus": self.gpus,
            "osVhdSizeMB": 1_047_552,
            "maxResourceVolumeMB": self.disk_mb,
            "memoryGB": self.memory_gb,
            "lowPriorityCapable": self.low_priority,
            "premiumIO": True,
        }


T4 = "Standard NCASv3_T4 Family"
SIZES = (
    Size("Standard_DS3_v2", "standardDSv2Family", 4, 0, 14, 28_672),
    Size("Standard_F16s_v2", "standardFSv2Family", 16, 0, 32, 131_072),
    Size("Standard_NC4as_T4_v3", T4, 4, 1, 28, 180_224),
    Size("Standard_NC8as_T4_v3", T4, 8, 1, 56, 360_448),
    Size("Standard_NC16as_T4_v3", T4, 16, 1, 110, 360_448),
    Size("Standard_NC64as_T4_v3", T4, 64, 4, 440, 2_883_584),
    Size("Standard_NC6s_v3", "standardNCSv3Family", 6, 1, 112, 753_664),
    # at low priority nowhere here, so that this too can be rehearsed
    Size("Standard_ND96asr_v4", "standardNDASv4Family", 96, 8, 900, 2_969_600, low_priority=False),
)


class Machines:
    """The routes.

    Args:
        workspace: whose subscription.
        computes: whose machines use the quota.
        knobs: say how large the quota is.
    """

    def __init__(self, workspace: Workspace, computes: Computes, knobs: Knobs) -> None:
        self._workspace = workspace
        self._computes = computes
        self._knobs = knobs
        self.routes = [
            Route(f"{PLACE}/vmSizes", self._list_sizes),
            Route(f"{PLACE}/usages", self._list_usages),
        ]

    async def _list_sizes(self, request: Request) -> Response:
        return _refuse_location(request) or JSONResponse({"amlCompute": [size.describe() for size in SIZES]})

    async def _list_usages(self, request: Request) -> Response:
        return _refuse_location(request) or JSONResponse({"value": list(self._describe_usages())})

    def _describe_usages(self) -> Iterator[dict[str, Any]]:
        limit = self._knobs.quota_cores
        for family in dict.fromkeys(size.family for size in SIZES):
            dedicated, low = self._count_cores(family, "dedicated"), self._count_cores(family, "lowpriority")
            yield self._describe(family, "vmFamily/dedicatedCores", dedicated, limit)
            # as in Azure, where only the sum over all families is limited
            yield self._describe(family, "vmFamily/lowPriorityCores", low, UNLIMITED)
        low = self._count_cores("", "lowpriority")
        yield self._describe("TotalLowPriorityCores", "lowPriorityCores", low, limit)

    def _count_cores(self, family: str, priority: str) -> int:
        """Cores in use, of a family or ("") of all."""
        sizes = {size.name.casefold(): size.cores for size in SIZES if family in ("", size.family)}
        return sum(
            sizes.get(size.casefold(), 0) * nodes
            for size, given, nodes in self._computes.count_nodes()
            if given.casefold() == priority
        )

    def _describe(self, name: str, kind: str, used: int, limit: int) -> dict[str, Any]:
        place = PLACE.format(location=LOCATION).removeprefix("/subscription")
        return {
            "id": f"/subscriptions/{self._workspace.subscription}{place}/usages/{name}",
            "type": f"{KIND}/{kind}/usages",
            "unit": "Count",
            "currentValue": used,
            "limit": limit,
            "name": {"value": name, "localizedValue": name},
        }


def _refuse_location(request: Request) -> Response | None:
    location = request.path_params["location"]
    if location.casefold() == LOCATION:
        return None
    return refuse_resource(400, "NoRegisteredProviderFound", f"there is no location {location}")
