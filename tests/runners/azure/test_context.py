"""A process that is no job says so; what a job reads is in test_backend.py."""

import pytest

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.context import AzureJobContext


def test_a_process_that_is_no_job_says_so(monkeypatch):
    monkeypatch.delenv("AZUREML_RUN_ID", raising=False)
    with pytest.raises(UserError, match="not a job of Azure ML"):
        _ = AzureJobContext().run_id
    with pytest.raises(UserError, match="not a job of Azure ML"):
        AzureJobContext().secret("name")
