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
from mayo_kedro.runners.machine_settings import MachineSettings

SETTINGS_FILE = "conf/azure/azureml.yml"
CREDENTIALS_FILE = "conf/azure/credentials.yml"

# The services' own rules for names.
ExperimentName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$", max_length=255)]
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


class AzureMLSettings(MachineSettings):
    """Settings of conf/azure/azureml.yml; the machines are those of `MachineSettings`.

    Attributes:
        workspace: which one.
        tags: other machines for the nodes of a tag of conf/azure/runner.yml.
        base_image: the container's image below Python; it needs Python 3.11 or conda.
        experiment: under which the workspace files the jobs.
        queue_minutes: a job that waits longer for a machine is cancelled.
        resume: use the results of a finished job with the same inputs, code, parameters and lock.
        secrets: environment variables of this machine whose values the job needs. They reach it through the
            workspace's key vault, under a name of their own for each job, and are deleted with it.
    """

    workspace: WorkspaceSettings = WorkspaceSettings()
    tags: dict[str, MachineSettings] = Field(default_factory=dict)
    base_image: str = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"
    experiment: ExperimentName = "mayo_kedro"
    queue_minutes: float = Field(default=60, gt=0)
    resume: bool = False
    secrets: tuple[VariableName, ...] = ("DAGSHUB_USER_TOKEN",)

    @field_validator("base_image")
    @classmethod
    def _is_one_image(cls, image: str) -> str:
        if not image or image.split() != [image]:
            raise ValueError("it is not the name of an image")
        return image

    def machines(self, tag: str) -> MachineSettings:
        """The machines for the nodes of a tag; the usual ones where `tags` has no others."""
        return self.tags.get(tag, self)

    def list_machines(self) -> list[MachineSettings]:
        """The usual machines, then those of the tags."""
        return [self, *self.tags.values()]


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
