"""What the SDK asks before it submits anything."""

import pytest

from mayo_kedro.sandbox.azure.handle import AzureSandbox

from .conftest import Client, ClientError


def test_the_workspace_is_found_by_the_sdks_own_variables(client: Client, azure: AzureSandbox) -> None:
    assert client("result = [workspace.name, workspace.resource_group, workspace.subscription_id]") == [
        azure.workspace,
        azure.group,
        azure.subscription,
    ]


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AZUREML_SERVICE_PRINCIPAL_PASSWORD", "wrong", "AADSTS7000215"),
        ("AZUREML_SERVICE_PRINCIPAL_ID", "nobody", "AADSTS700016"),
        ("AZUREML_ARM_SUBSCRIPTION", "00000000-0000-0000-0000-000000000000", "subscription"),
        ("AZUREML_ARM_RESOURCEGROUP", "elsewhere", "Workspace not found"),
        ("AZUREML_ARM_WORKSPACE_NAME", "another", "Workspace not found"),
    ],
)
def test_wrong_credentials_and_names_are_refused_in_azures_words(
    client: Client, variable: str, value: str, said: str
) -> None:
    with pytest.raises(ClientError) as refused:
        client("open_workspace(**{variable: value})", variable=variable, value=value)
    assert said in refused.value.message


def test_a_cluster_that_is_not_there_is_told_from_one_that_is(client: Client) -> None:
    with pytest.raises(ClientError, match="ComputeTargetNotFound") as missing:
        client('ComputeTarget(workspace, "none")')
    assert missing.value.kind == "ComputeTargetException"
    told = client("result = cluster.get_status().serialize()")
    assert told["provisioningState"] == "Succeeded"
    assert told["scaleSettings"] == {
        "minNodeCount": 0,
        "maxNodeCount": 2,
        "nodeIdleTimeBeforeScaleDown": "PT120S",
    }


def test_a_cluster_is_changed_and_deleted(client: Client) -> None:
    changed = client(
        """
        other = make_cluster(workspace, "other")
        other.update(max_nodes=4)
        other.wait_for_completion()
        other.refresh_state()
        listed = [one.name for one in ComputeTarget.list(workspace)]
        result = [other.scale_settings.maximum_node_count, {"gpu", "other"} <= set(listed)]
        other.delete()
        other.wait_for_completion(is_delete_operation=True)
        """
    )
    assert changed == [4, True]
    with pytest.raises(ClientError, match="ComputeTargetNotFound"):
        client('ComputeTarget(workspace, "other")')


def test_an_environment_gets_a_version_and_keeps_its_content(client: Client) -> None:
    versions = client(
        """
        def make(text):
            made = Environment.from_dockerfile("versioned", text)
            made.python.user_managed_dependencies = True
            return made
        first, same, second = [make(text).register(workspace) for text in ("FROM a", "FROM a", "FROM b")]
        found = Environment.get(workspace, "versioned", version=first.version)
        newest = Environment.get(workspace, "versioned")
        result = [first.version, same.version, second.version, found.docker.base_dockerfile,
                  newest.docker.base_dockerfile, found.build(workspace).status,
                  "versioned" in Environment.list(workspace)]
        """
    )
    assert versions == ["1", "1", "2", "FROM a", "FROM b", "Succeeded", True]
    with pytest.raises(ClientError, match="there is no environment nothing"):
        client('Environment.get(workspace, "nothing")')


def test_secrets(client: Client) -> None:
    told = client(
        """
        vault = workspace.get_default_keyvault()
        vault.set_secret("one", "first")
        vault.set_secrets({"two": "second"})
        before = [vault.get_secret("one"), vault.get_secrets(["two", "three"])]
        names = [one["name"] for one in vault.list_secrets()]
        vault.delete_secret("one")
        vault.delete_secrets(["two"])
        result = [before, names, vault.list_secrets()]
        """
    )
    assert told == [["first", {"two": "second", "three": None}], ["one", "two"], []]
    with pytest.raises(ClientError, match="there is no secret one"):
        client('vault.get_secret("one")')
    with pytest.raises(ClientError, match="no name of a secret"):
        client('vault.set_secret("under_score", "x")')


def test_deleting_a_secret_can_fail(client: Client, azure: AzureSandbox) -> None:
    client('vault = workspace.get_default_keyvault(); vault.set_secret("kept", "x")')
    azure.set(kept_secrets=1000)
    with pytest.raises(ClientError):
        client('vault.delete_secret("kept")')
    azure.reset("faults")
    client('vault.delete_secret("kept")')
    assert client("result = vault.list_secrets()") == []


def test_expired_tokens_are_refused_until_a_new_one_is_fetched(client: Client, azure: AzureSandbox) -> None:
    client("workspace = open_workspace(); vault = workspace.get_default_keyvault()")
    azure.set(token_requests=0)
    with pytest.raises(ClientError, match="401"):
        client("vault.list_secrets()")
    client("workspace = open_workspace()")
    assert client("result = workspace.get_default_keyvault().list_secrets()") == []
