"""Which machines jobs get, for how long, and what they may cost."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mayo_kedro.runners.job import ComputeSpec

# The service's own rule for names.
ClusterName = Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9-]{0,14}[a-zA-Z0-9]$")]

MACHINES_TAG = "mayo_machines"
"""A job's own tag: the tag of its nodes, by which the settings tell its machines and their price."""


class ComputeSettings(BaseModel):
    """The cluster; it is made if it is missing, and an existing one is left as it is.

    Attributes:
        name: 2 to 16 letters, digits and hyphens.
        size: kind of machine, as Azure calls it.
        priority: low-priority machines cost a fraction and may be taken away; the job then goes on from what
            it had done.
        max_nodes: machines at most; with nothing to do there are none.
        idle_seconds: after so long without work a machine is given back.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClusterName = "gpu-cluster"
    size: str = "Standard_NC4as_T4_v3"
    priority: Literal["low", "dedicated"] = "low"
    max_nodes: int = Field(default=1, ge=1, le=100)
    idle_seconds: int = Field(default=120, ge=60, le=86_400)


class MachineSettings(BaseModel):
    """The machines of jobs.

    Attributes:
        compute: the cluster.
        node_count: machines that work on one job together.
        jobs_at_once: jobs under way at the same time, such as the folds of a cross-validation.
        max_hours: after so long the service ends a job.
        price_per_hour: of one machine, to show what a job has cost so far; None shows nothing.
        currency: of the price, and of the budget.
        budget: what all jobs at once may cost if each lasts `max_hours`; more is refused, None allows it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    compute: ComputeSettings = ComputeSettings()
    node_count: int = Field(default=1, ge=1, le=100)
    jobs_at_once: int = Field(default=1, ge=1, le=100)
    max_hours: float = Field(default=8, gt=0, le=24 * 14)
    price_per_hour: float | None = Field(default=None, ge=0)
    currency: str = "USD"
    budget: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _fits_the_cluster(self) -> "MachineSettings":
        needed = self.node_count * self.jobs_at_once
        if needed > self.compute.max_nodes:
            raise ValueError(
                f"jobs_at_once times node_count is {needed}, and compute.max_nodes {self.compute.max_nodes}"
            )
        return self

    @model_validator(mode="after")
    def _fits_the_budget(self) -> "MachineSettings":
        if self.budget is None:
            return self
        if self.price_per_hour is None:
            raise ValueError("a budget needs price_per_hour")
        machines = self.node_count * self.jobs_at_once
        most = self.price_per_hour * self.max_hours * machines
        if most > self.budget:
            raise ValueError(
                f"{machines} machine(s) for max_hours {self.max_hours:g} may cost {most:.2f} {self.currency}"
                f", and the budget is {self.budget:.2f}"
            )
        return self

    @property
    def compute_spec(self) -> ComputeSpec:
        """The cluster as the border to the service knows it."""
        return ComputeSpec(**self.compute.model_dump())

    @property
    def max_seconds(self) -> int:
        """After so long the service ends a job; in seconds."""
        return round(self.max_hours * 3600)
