"""Fixtures for all tests: a copy of the project, a small sample, a sandbox that serves it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from absl.logging import get_absl_handler
from filelock import FileLock
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes says nothing on a busy machine.
settings.register_profile("any_speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_speed")

# TensorFlow's logging keeps the sys.stderr that it first saw, here pytest's, and closes it when Kedro sets up
# logging while a test has another one; no later test in the process could be captured.
get_absl_handler().python_handler.setStream(sys.__stderr__)


@dataclass
class Project:
    """A copy of the project's configuration that runs the installed package."""

    path: Path
    variables: dict[str, str] = field(default_factory=dict)

    def kedro(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a Kedro command here, in a process of its own."""
        return self.python("-m", "kedro", *arguments, **variables)

    def python(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run Python here, in a process of its own."""
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("DAGSHUB", "MAYO_"))
        }
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.path,
            env={**clean, "COLUMNS": "200", "NO_COLOR": "1", **self.variables, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )


def copy_project(target: Path, tracking_store: Path) -> Project:
    """Copy what a run needs but the source, which is installed."""
    target.mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "conf", target / "conf", ignore=shutil.ignore_patterns("local"))
    (target / "conf" / "local").mkdir()
    shutil.copytree(ROOT / "notebooks", target / "notebooks")
    settings = (ROOT / "pyproject.toml").read_text()
    (target / "pyproject.toml").write_text(settings.replace('source_dir = "src"', 'source_dir = "."'))
    shutil.copy(ROOT / ".telemetry", target)
    shutil.copy(tracking_store / "mlflow.db", target)
    return Project(target, {"MAYO_CACHE_DIR": str(target / "cache")})


@pytest.fixture(scope="session")
def tracking_store(shared_folder: Path) -> Path:
    """A folder with MLflow's empty database, which takes ten seconds to make."""

    def make(folder: Path) -> None:
        folder.mkdir()
        code = "import mlflow; mlflow.MlflowClient('sqlite:///mlflow.db').search_experiments()"
        subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True)

    return made_once(shared_folder / "tracking_store", make)


@pytest.fixture
def project(tmp_path: Path, tracking_store: Path) -> Project:
    """A fresh copy of the project."""
    return copy_project(tmp_path / "project", tracking_store)


def made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Make a folder once for all of pytest's worker processes."""
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            make(folder.with_suffix(".part"))
            folder.with_suffix(".part").rename(folder)
    return folder


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all worker processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def small_sample(shared_folder: Path) -> Path:
    """The synthetic sample with few patients, laid out as a seed for the sandbox."""
    from mayo_kedro.sandbox.sample import draw_sample

    def draw(folder: Path) -> None:
        folder.mkdir()
        draw_sample(folder, seed=5, patients=48)

    return made_once(shared_folder / "small_sample", draw)


@pytest.fixture(scope="session")
def finished_project(shared_folder: Path, small_sample: Path, tracking_store: Path) -> Path:
    """A copy of the project in which `kedro run --env test` has been done on the small sample."""

    def run(folder: Path) -> None:
        done = copy_project(folder, tracking_store)
        command = [sys.executable, "-m", "mayo_kedro.sandbox", "--seed", str(small_sample)]
        command += [
            "--state",
            str(folder / ".sandbox"),
            "--",
            sys.executable,
            "-m",
            "kedro",
            "run",
            "--env",
            "test",
        ]
        result = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **done.variables},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        (folder / "run.log").write_text(result.stdout + result.stderr)

    return made_once(shared_folder / "finished_project", run)


@pytest.fixture(scope="session")
def sandbox(shared_folder: Path, small_sample: Path, worker_id: str) -> Iterator["object"]:
    """A sandbox of this worker that serves the small sample."""
    from mayo_kedro.sandbox.process import start

    with start(shared_folder / f"state-{worker_id}", seed=small_sample) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser; CI has one, a machine without leaves these tests out."""
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        if os.environ.get("MAYO_KEDRO_NEEDS_BROWSER"):
            pytest.fail("MAYO_KEDRO_NEEDS_BROWSER is set, and there is no Chromium.")
        pytest.skip("There is no Chromium.")
    return found
