"""What all slides of the competition would take on a cluster, from what was measured here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

ALL_SLIDES_GIGABYTES = 395
"""Of the competition, 754 training slides and those of its other folder."""


@dataclass(frozen=True)
class Cluster:
    """Machines of Azure ML; their speed of network and their price are assumptions, not measurements.

    Attributes:
        size: as Azure calls it.
        cores: of a machine; each is a worker.
        machines: how many.
        gigabits_per_second: that reach a machine from the place of the slides.
        price_per_hour: of a machine, in USD.
    """

    size: str = "Standard_F16s_v2"
    cores: int = 16
    machines: int = 4
    gigabits_per_second: float = 1.0
    price_per_hour: float = 0.68


@dataclass(frozen=True)
class Estimate:
    """What it comes to.

    Attributes:
        gigabytes_per_second: of the whole cluster.
        hours: for all slides, the start of the machines left out.
        cost: in USD.
        limit: "network" or "cores", whichever is slower.
    """

    gigabytes_per_second: float
    hours: float
    cost: float
    limit: str


def estimate(
    throughput: Sequence[Mapping[str, Any]], waiting: Sequence[Mapping[str, Any]], cluster: Cluster
) -> Estimate:
    """Take the speed of one streamed worker, and what many workers keep of it.

    Args:
        throughput: rows of that measurement.
        waiting: rows of that measurement; those of the most workers tell what the cluster itself costs.
        cluster: where.
    """
    one = next(
        row["gigabytes_per_second"] for row in throughput if (row["place"], row["workers"]) == ("streamed", 1)
    )
    most = max(waiting, key=lambda row: int(row["workers"]))
    kept = min(1.0, most["least_seconds"] / most["seconds"])
    cores = one * cluster.cores * cluster.machines * kept
    network = cluster.gigabits_per_second / 8 * cluster.machines
    speed = min(cores, network)
    hours = ALL_SLIDES_GIGABYTES / speed / 3600
    cost = hours * cluster.machines * cluster.price_per_hour
    return Estimate(speed, hours, cost, "network" if network < cores else "cores")
