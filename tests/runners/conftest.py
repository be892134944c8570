"""The sandbox with Azure ML in it, for tests that use the real SDK in this process."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def azure_service(shared_folder: Path, small_sample: Path, worker_id: str) -> Iterator["object"]:
    """A sandbox of this worker with Azure ML, for all its tests: the SDK reads its cloud only once."""
    from mayo_kedro.sandbox.process import start

    # Another test may have imported the SDK, or MLflow's part of it, for another cloud.
    for name in [name for name in sys.modules if name.split(".")[0] == "azureml"]:
        del sys.modules[name]
    with start(shared_folder / f"azure-{worker_id}", seed=small_sample, azure=True) as running:
        yield running


@pytest.fixture(scope="module")
def azure(azure_service, tmp_path_factory) -> Iterator["object"]:
    """The same, and this process is set to it while the tests of a file run."""
    # Under HOME the SDK keeps what it was told of workspaces; the wait after a 503 is read at import.
    home = tmp_path_factory.mktemp("home")
    more = {"HOME": str(home), "AZUREML_DEFAULT_503_BACKOFF": "1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**azure_service.azure.variables, **more}.items():
            patch.setenv(name, value)
        yield azure_service
