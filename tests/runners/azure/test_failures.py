"""Errors of the SDK become a setting to change, or a service that fails; never a token or a signature."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.failures import LONGEST_QUOTE, clean, explain, is_passing, status_of
from mayo_kedro.runners.job import JobServiceError


class AnswerError(Exception):
    """As requests, msrest and azure-core raise them: with the answer."""

    def __init__(self, text: str, status: int, body: str = "") -> None:
        super().__init__(text)
        self.response = type("Answer", (), {"status_code": status, "text": body})()


class UnprintableError(Exception):
    """As the SDK's ServiceException, when an answer has no details."""

    message = "the message"
    status_code = 500

    def __str__(self) -> str:
        raise TypeError("'NoneType' object is not iterable")


@pytest.mark.parametrize(
    ("text", "setting"),
    [
        ("AADSTS7000215: Invalid client secret provided.", "AZUREML_SERVICE_PRINCIPAL_PASSWORD"),
        ('{"error": "invalid_client", "error_description": "wrong"}', "AZUREML_SERVICE_PRINCIPAL_PASSWORD"),
        ("invalid_client AADSTS700016: Application not found", "AZUREML_SERVICE_PRINCIPAL_ID"),
        ("AADSTS90002: Tenant 'x' not found.", "AZUREML_SERVICE_PRINCIPAL_TENANT_ID"),
        ("You don't have access to 123 subscription, please check", "workspace.subscription_id"),
        ("ResourceGroupNotFound: Resource group 'x' could not be found.", "workspace.resource_group"),
        ("Workspace not found.", "workspace.workspace_name"),
        ("Please run 'az login' to set up an account", "az login"),
        ("ClusterCoreQuotaReached: 6 cores are needed", "compute.size"),
        ("The specified VmSize STANDARD_X is not available", "compute.size"),
        ("ComputeTargetNotFound: Compute Target x not found", "compute.name"),
        ("Your total snapshot size exceeds the limit of 300.0 MB.", "Keep large files"),
        ("AuthorizationFailed: the client does not have authorization", "AzureML Data Scientist"),
    ],
)
def test_a_mistake_names_the_setting(text, setting):
    error = explain(RuntimeError(text), "trying")
    assert isinstance(error, UserError)
    assert setting in error.remedy


def test_the_cause_below_is_read_too():
    # As the SDK does it: what the service said is left behind in the context.
    error = RuntimeError("Workspace not found.")
    error.__context__ = AnswerError("not found", 404, '{"error": {"code": "ResourceGroupNotFound"}}')
    assert "workspace.resource_group" in explain(error, "trying").remedy


def test_what_the_user_cannot_mend_is_the_services_fault():
    error = explain(AnswerError("Internal Server Error", 500), "looking at the cluster")
    assert isinstance(error, JobServiceError)
    assert "looking at the cluster" in str(error)


def test_a_refused_login_points_to_the_credentials():
    assert "conf/azure/credentials.yml" in explain(AnswerError("no", 401), "trying").remedy


def test_an_error_that_cannot_be_printed_is_explained():
    assert "the message" in str(explain(UnprintableError(), "trying"))
    assert status_of(UnprintableError()) == 500


@pytest.mark.parametrize(
    "text", ["Response Code: 503\nHeaders: {}", '{"status_code": 503}', "failed. Code: 503\n: busy"]
)
def test_a_status_is_found_in_words(text):
    assert status_of(RuntimeError(text)) == 503
    assert is_passing(RuntimeError(text))


def test_only_what_may_pass_is_tried_again():
    assert is_passing(AnswerError("slow down", 429))
    assert is_passing(ConnectionResetError())
    assert not is_passing(AnswerError("no", 404))
    assert not is_passing(ValueError("wrong"))
    assert not is_passing(UserError("wrong", "mend"))


secrets = st.text("abcdefghijklmnopqrstuvwxyzABCDEF0123456789-_", min_size=12, max_size=60)


@given(secrets, st.sampled_from(["between", ""]))
def test_secrets_are_cut_out(secret, around):
    secret = f"QQ{secret}"
    texts = [
        f"{around} https://x.blob.core/y?sv=1&sig={secret} {around}",
        f"{around} https://{secret}@example.org/z {around}",
        f"{around} https://user:{secret}@example.org/z {around}",
        f"Authorization: Bearer {secret}",
        f"eyJ{secret}.{secret}.{secret}",
        f"client_secret={secret}&grant_type=x",
    ]
    for text in texts:
        assert secret not in clean(text)
        assert secret not in str(explain(RuntimeError(text), "trying"))


@given(st.text(max_size=2000))
def test_a_long_answer_is_cut(text):
    assert len(str(explain(RuntimeError(text), "trying"))) < LONGEST_QUOTE + 600
