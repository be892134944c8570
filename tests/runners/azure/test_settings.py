"""What the user may set is checked before anything is sent, and a wrong secret is not quoted."""

from pathlib import Path

import pytest
import yaml

from mayo_kedro.errors import UserError
from mayo_kedro.runners.machine_settings import MachineSettings
from mayo_kedro.runners.settings import AzureMLSettings, read_credentials, read_settings

ROOT = Path(__file__).resolve().parents[3]


def test_the_file_names_every_setting_with_its_default():
    file = (ROOT / "conf" / "azure" / "azureml.yml").read_text()
    written = yaml.safe_load(file.replace("${runtime_params:resume,false}", "false"))
    tags = written.pop("tags")
    assert written == AzureMLSettings().model_dump(mode="json", exclude={"tags"})
    assert read_settings(written) == AzureMLSettings()
    assert all(MachineSettings(**machines).model_dump(mode="json") == machines for machines in tags.values())


def test_every_tag_of_the_runner_has_its_machines():
    runner = yaml.safe_load((ROOT / "conf" / "azure" / "runner.yml").read_text())
    settings = read_settings(
        {"tags": {"cpu": {"node_count": 2, "compute": {"name": "many", "max_nodes": 2}}}}
    )
    assert runner["tags"] == ["gpu", "cpu"]
    assert settings.machines("gpu") is settings
    assert settings.machines("cpu").compute_spec.name == "many"
    assert [machines.compute.name for machines in settings.list_machines()] == ["gpu-cluster", "many"]


def test_the_example_of_credentials_is_complete():
    text = (ROOT / "conf" / "azure" / "credentials.yml.example").read_text()
    given = yaml.safe_load(text)["azureml"]
    assert read_credentials(given).kind == "service_principal"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_hour": 3}, "max_hour: there is no such setting"),
        ({"compute": {"name": "x" * 20}}, "compute.name"),
        ({"compute": {"priority": "cheap"}}, "compute.priority"),
        ({"max_hours": 0}, "max_hours"),
        ({"experiment": "a b"}, "experiment"),
        ({"base_image": "python:3.11\nRUN false"}, "base_image: it is not the name of an image"),
        ({"secrets": ["a-b"]}, "secrets.0"),
        ({"budget": 10}, "a budget needs price_per_hour"),
        (
            {"budget": 10, "price_per_hour": 3, "max_hours": 4},
            "1 machine(s) for max_hours 4 may cost 12.00 USD, and the budget is 10.00",
        ),
        ({"node_count": 2, "compute": {"max_nodes": 1}}, "jobs_at_once times node_count is 2"),
        ({"tags": {"cpu": {"node_count": 2}}}, "tags.cpu: jobs_at_once times node_count is 2"),
        ({"tags": {"cpu": {"machines": 2}}}, "tags.cpu.machines: there is no such setting"),
    ],
)
def test_a_wrong_setting_is_named(given, said):
    with pytest.raises(UserError) as caught:
        read_settings(given)
    assert said in caught.value.what
    assert "conf/azure/azureml.yml" in caught.value.what


def test_what_fits_the_budget_is_allowed():
    assert read_settings({"budget": 12, "price_per_hour": 3, "max_hours": 4}).budget == 12


def test_all_wrong_settings_are_told_at_once():
    with pytest.raises(UserError) as caught:
        read_settings({"max_hours": -1, "queue_minutes": 0})
    assert "max_hours" in caught.value.what
    assert "queue_minutes" in caught.value.what


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "service_principal", "tenant_id": "t", "client_secret": "hunter2-hunter2"},
        {"kind": "service_principal", "client_secret": ["hunter2-hunter2"]},
        {"kind": "hunter2-hunter2"},
        {"password": "hunter2-hunter2"},
    ],
)
def test_a_secret_is_never_in_a_refusal(given):
    with pytest.raises(UserError) as caught:
        read_credentials(given)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "conf/azure/credentials.yml" in caught.value.what


def test_a_secret_is_not_shown_with_the_credentials():
    given = {"kind": "service_principal", "tenant_id": "t", "client_id": "c", "client_secret": "hunter2"}
    assert "hunter2" not in repr(read_credentials(given))


def test_no_credentials_are_the_environment():
    assert read_credentials(None).kind == "environment"
