"""A trial project: a copy of this one with pipelines that cost nothing, beside the sandbox's Azure ML."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runners.rehearsal.trial_project import TrialProject, copy_trial


@pytest.fixture(scope="session")
def state(shared_folder: Path, worker_id: str) -> Path:
    """Where the service keeps everything."""
    return shared_folder / f"rehearsal-{worker_id}"


@pytest.fixture(scope="session")
def service(state: Path, small_sample: Path) -> Iterator[object]:
    """A sandbox of this worker, with Azure ML."""
    from mayo_kedro.sandbox.process import start

    with start(state, seed=small_sample, azure=True) as running:
        yield running


@pytest.fixture(scope="session")
def home(shared_folder: Path, worker_id: str) -> Path:
    """Where the SDK keeps what it knows of the service."""
    return shared_folder / f"rehearsal-home-{worker_id}"


@pytest.fixture
def trial(tmp_path: Path, tracking_store: Path, service, state: Path, home: Path) -> Iterator[TrialProject]:
    """A copy of its own for a test; what the service was told to do wrong is forgotten."""
    yield copy_trial(tmp_path / "trial", tracking_store, service, state, home)
    service.azure.reset("faults")
    service.azure.set(preemptions=0, preempt_on="", queue_seconds=0)


@pytest.fixture(scope="session")
def finished(
    shared_folder: Path, tracking_store: Path, service, state: Path, home: Path, worker_id: str
) -> TrialProject:
    """A trial project whose default pipeline has run once, tracked on the sandbox's DagsHub."""
    done = copy_trial(shared_folder / f"finished-trial-{worker_id}", tracking_store, service, state, home)
    done.track_on_dagshub()
    done.first = done.kedro("run", "--env", "azure")
    assert done.first.returncode == 0, done.first.stdout + done.first.stderr
    return done
