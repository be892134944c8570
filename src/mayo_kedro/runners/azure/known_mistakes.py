"""What users get wrong on Azure ML: how the service says it, and which setting mends it."""

from dataclasses import dataclass

from mayo_kedro.runners.settings import CREDENTIALS_FILE, SETTINGS_FILE


@dataclass(frozen=True)
class Mistake:
    """A cause that a user can mend.

    Attributes:
        signs: what the service or the SDK writes then; a regular expression, in any case.
        what: the mistake in our words.
        remedy: which setting to change.
    """

    signs: str
    what: str
    remedy: str


_LOGIN = f"AZUREML_SERVICE_PRINCIPAL_{{}} in the environment, or {{}} in {CREDENTIALS_FILE}"
_WORKSPACE = f"workspace.{{}} in {SETTINGS_FILE}, {{}} in the environment, or the SDK's config.json"

# Ordered: the more special first.
KNOWN_MISTAKES = (
    Mistake(
        r"AADSTS70002(15|22)\b|invalid client secret|invalid_client\b(?!.*AADSTS7000(16|11))",
        "Azure refuses the password of the service principal.",
        f"Check {_LOGIN.format('PASSWORD', 'client_secret')}; it may have expired.",
    ),
    Mistake(
        r"AADSTS(700016|7000112|50034)\b|unauthorized_client",
        "Azure does not know this service principal in this tenant.",
        f"Check {_LOGIN.format('ID', 'client_id')}, and its tenant.",
    ),
    Mistake(
        r"AADSTS(90002|900023|50059|900021)\b|invalid_tenant|InvalidAuthenticationTokenTenant|"
        r"tenant '?[^']*'? (was )?not found",
        "Azure does not know this tenant, or the subscription belongs to another one.",
        f"Check {_LOGIN.format('TENANT_ID', 'tenant_id')}.",
    ),
    Mistake(
        r"have access to \S+ subscription|InvalidSubscriptionId|SubscriptionNotFound|"
        r"instead of subscription id",
        "This login has no access to the subscription.",
        f"Check {_WORKSPACE.format('subscription_id', 'AZUREML_ARM_SUBSCRIPTION')}.",
    ),
    Mistake(
        r"ResourceGroupNotFound",
        "The subscription has no such resource group.",
        f"Check {_WORKSPACE.format('resource_group', 'AZUREML_ARM_RESOURCEGROUP')}.",
    ),
    Mistake(
        r"config file found in|configuration file config\.json",
        "No workspace is named.",
        f"Fill in `workspace` in {SETTINGS_FILE}, or put the workspace's config.json into this folder.",
    ),
    Mistake(
        r"workspace not found|workspaces/\S+' (under|was not found)",
        "The resource group has no such workspace.",
        f"Check {_WORKSPACE.format('workspace_name', 'AZUREML_ARM_WORKSPACE_NAME')}.",
    ),
    Mistake(
        r"az login|azure-cli package|interactive authentication|AADSTS(50173|700082|50078)\b",
        "Nobody is logged in to Azure.",
        f"Run `az login`, or name a service principal in {CREDENTIALS_FILE}.",
    ),
    Mistake(
        r"quota|\bcores? (limit|are needed)",
        "The subscription's quota does not allow this cluster.",
        f"Ask for more in the portal (Quotas, Machine learning), or change compute.size, compute.priority or "
        f"compute.max_nodes in {SETTINGS_FILE}.",
    ),
    Mistake(
        r"(?<!/)vm ?size|not (available|supported) in (the )?(location|region)|SkuNotAvailable",
        "Azure does not offer this kind of machine here.",
        f"Change compute.size in {SETTINGS_FILE} to one that the workspace's region offers.",
    ),
    Mistake(
        r"ComputeTargetNotFound|compute target .*not found|computes/\S+' was not found",
        "The workspace has no such cluster.",
        f"Check compute.name in {SETTINGS_FILE}.",
    ),
    Mistake(
        r"snapshot size exceeds|exceeds the file limit",
        "What is to be sent exceeds Azure ML's limits: 300 MiB and 2,000 files.",
        "Keep large files in the repository, from where the job streams them.",
    ),
    Mistake(
        r"AuthorizationFailed|LinkedAuthorizationFailed|\bForbidden\b|not authorized",
        "This login may not do that.",
        "Ask the workspace's owner for the role AzureML Data Scientist, and AzureML Compute Operator to make "
        "a cluster.",
    ),
)
