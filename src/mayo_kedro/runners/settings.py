"""What a user may set about the training on Azure ML; knows no package of Azure's."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from mayo_kedro.errors import UserError
from mayo_kedro.runners.job import ComputeSpec

SETTINGS_FILE = "conf/azure/azureml.yml"
CREDENTIALS_FILE = "conf/azure/credentials.yml"

# The services' own rules for names.
ExperimentName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$", max_length=255)]
ClusterName = Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9-]{0,14}[a-zA-Z0-9]$")]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class WorkspaceSettings(BaseModel):
    """Which workspace.

    Attributes:
        subscription_id: None is AZUREML_ARM_SUBSCRIPTION from the environment.
        resource_group: None is AZUREML_ARM_RESOURCEGROUP.
        workspace_name: None is AZUREML_ARM_WORKSPACE_NAME. With none of the three, the SDK's config.json is
            read, from the project's folder or above it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subscription_id: str | None = None
    resource_group: str | None = None
    workspace_name: str | None = None


class ComputeSettings(BaseModel):
    """The cluster; it is made if it is missing, and an existing one is left as it is.

    Attributes:
        name: 2 to 16 letters, digits and hyphens.
        size: kind of machine, as Azure calls it.
        priority: low-priority machines cost a fraction and may be taken away; the training then goes on from
            its last checkpoint.
        max_nodes: machines at most; with nothing to do there are none.
        idle_seconds: after so long without work a machine is given back.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClusterName = "gpu-cluster"
    size: str = "Standard_NC4as_T4_v3"
    priority: Literal["low", "dedicated"] = "low"
    max_nodes: int = Field(default=1, ge=1, le=100)
    idle_seconds: int = Field(default=120, ge=60, le=86_400)


class AzureMLSettings(BaseModel):
    """Settings of conf/azure/azureml.yml.

    Attributes:
        workspace: which one.
        compute: the cluster.
        base_image: the container's image below Python; it needs Python 3.11 or conda.
        experiment: under which the workspace files the jobs.
        node_count: machines that one job trains on together.
        jobs_at_once: jobs under way at the same time, such as the folds of a cross-validation.
        max_hours: after so long the service ends a job.
        queue_minutes: a job that waits longer for a machine is cancelled.
        price_per_hour: of one machine, to show what a job has cost so far; None shows nothing.
        currency: of the price, and of the budget.
        budget: what all jobs at once may cost if each lasts `max_hours`; more is refused, None allows it.
        resume: use the results of a finished job with the same inputs, code, parameters and lock.
        secrets: environment variables of this machine whose values the job needs. They reach it through the
            workspace's key vault, under a name of their own for each job, and are deleted with it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    workspace: WorkspaceSettings = WorkspaceSettings()
    compute: ComputeSettings = ComputeSettings()
    base_image: str = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
    experiment: ExperimentName = "mayo_kedro"
    node_count: int = Field(default=1, ge=1, le=100)
    jobs_at_once: int = Field(default=1, ge=1, le=100)
    max_hours: float = Field(default=8, gt=0, le=24 * 14)
    queue_minutes: float = Field(default=60, gt=0)
    price_per_hour: float | None = Field(default=None, ge=0)
    currency: str = "USD"
    budget: float | None = Field(default=None, gt=0)
    resume: bool = False
    secrets: tuple[VariableName, ...] = ("DAGSHUB_USER_TOKEN",)

    @field_validator("base_image")
    @classmethod
    def _is_one_image(cls, image: str) -> str:
        if not image or image.split() != [image]:
            raise ValueError("it is not the name of an image")
        return image

    @model_validator(mode="after")
    def _fits_the_cluster(self) -> "AzureMLSettings":
        needed = self.node_count * self.jobs_at_once
        if needed > self.compute.max_nodes:
            raise ValueError(
                f"jobs_at_once times node_count is {needed}, and compute.max_nodes {self.compute.max_nodes}"
            )
        return self

    @model_validator(mode="after")
    def _fits_the_budget(self) -> "AzureMLSettings":
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


class AzureMLCredentials(BaseModel):
    """How to log in, from `azureml` of conf/azure/credentials.yml.

    Attributes:
        kind: environment takes the service principal that AZUREML_SERVICE_PRINCIPAL_TENANT_ID, _ID and
            _PASSWORD name, and without one what `az login` has left; service_principal takes the three
            fields below; azure_cli takes `az login`; interactive opens a browser if need be;
            managed_identity is that of an Azure machine.
        tenant_id: of the service principal, or the tenant to log in to interactively.
        client_id: of the service principal, or of a user-assigned managed identity.
        client_secret: of the service principal; never shown.
    """

    # An error of pydantic's would otherwise quote the value that it does not like.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Literal["environment", "service_principal", "azure_cli", "interactive", "managed_identity"] = (
        "environment"
    )
    tenant_id: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> "AzureMLCredentials":
        given = (self.tenant_id, self.client_id, self.client_secret)
        if self.kind == "service_principal" and None in given:
            raise ValueError("a service_principal needs tenant_id, client_id and client_secret")
        return self


def read_settings(given: Mapping[str, Any]) -> AzureMLSettings:
    """Check what conf/azure/azureml.yml says.

    Args:
        given: its content.

    Raises:
        UserError: a setting is unknown, of the wrong kind or out of bounds.
    """
    return _read(AzureMLSettings, given, SETTINGS_FILE)


def read_credentials(given: Mapping[str, Any] | None) -> AzureMLCredentials:
    """Check what conf/azure/credentials.yml says.

    Args:
        given: the entry `azureml`; None or empty is the environment.

    Raises:
        UserError: a field is unknown or missing; its value is not quoted.
    """
    return _read(AzureMLCredentials, given or {}, CREDENTIALS_FILE)


Model = TypeVar("Model", bound=BaseModel)


def _read(model: type[Model], given: Mapping[str, Any], file: str) -> Model:
    try:
        return model.model_validate(dict(given))
    except ValidationError as error:
        told = "; ".join(_explain(problem) for problem in error.errors(include_input=False))
        # Not "from error": pydantic keeps the values, of which one may be a secret.
        raise UserError(
            f"{file}: {told}.", f"Mend it in {file}; its comments say what each field is."
        ) from None


def _explain(problem: Mapping[str, Any]) -> str:
    field = ".".join(map(str, problem["loc"]))
    said = "there is no such setting" if problem["type"] == "extra_forbidden" else problem["msg"]
    said = said.removeprefix("Value error, ")
    return f"{field}: {said[:1].lower()}{said[1:]}" if field else said
