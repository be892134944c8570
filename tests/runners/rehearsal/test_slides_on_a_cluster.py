"""Slides that are cut on two machines of Azure ML: the project's own pipeline, sandbox, SDK and processes."""

import io
import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pandas as pd
import psutil
import pytest

from mayo_kedro.sandbox.process import start
from mayo_kedro.sandbox.slides import draw_slides
from mayo_kedro.streaming.revisions import forget_pins
from tests.runners.rehearsal.trial_project import ROOT, TrialProject, describe_variables, wait_until

pytestmark = pytest.mark.slow

COMMAND = ("run", "--pipelines", "slides", "--env", "azure", "--params")
SMALL = "slides.longest_side=128,slides.cluster.workers=1"
TILES = f"{SMALL},slides.cut=tiles,slides.tiles.side=64,slides.tiles.count=4,slides.tiles.least_tissue=0"


class SlidesProject(TrialProject):
    """The project itself, beside a service that has slides and two machines for it."""

    def read_published(self, path: str) -> bytes:
        """A file of the repository as it is now."""
        forget_pins()
        options = {"host": self.service.host, "token": self.service.token, "skip_instance_cache": True}
        filesystem = fsspec.filesystem("dagshub", cache_folder=str(self.path / "mine"), **options)
        return filesystem.cat_file(f"/{self.service.owner}/{self.service.name}@main/{path}")

    @property
    def table(self) -> pd.DataFrame:
        """What came back of the job."""
        path = self.path / "data" / "03_primary" / "slides.csv"
        return pd.read_csv(path, dtype=str, keep_default_na=False)

    def find_log(self, machine: int) -> str:
        """What the last job's process on a machine has written."""
        run_id = self.records[-1]["run_id"]
        name = f"std_log_process_{machine}.txt"
        [path] = (self.state / "azure").rglob(f"*{run_id}*/**/{name}")
        return path.read_text()


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A seed of 12 patients' slides, some seconds of work."""
    seed = tmp_path_factory.mktemp("slides") / "seed"
    draw_slides(seed, patients=12, longest_sides=(1500, 3000))
    (seed / "pretrained_efficientnet").mkdir()
    (seed / "pretrained_efficientnet" / "none.h5").write_bytes(b"none")
    return seed


@pytest.fixture
def cluster(tmp_path: Path, tracking_store: Path, slides: Path) -> Iterator[SlidesProject]:
    """The project, whose jobs on slides get two machines."""
    state, home, target = tmp_path / "state", tmp_path / "home", tmp_path / "project"
    ignored = shutil.ignore_patterns("local", "__pycache__", "*.egg-info", "credentials.yml.example")
    for folder in ("conf", "src"):
        shutil.copytree(ROOT / folder, target / folder, ignore=ignored)
    (target / "conf" / "local").mkdir()
    for name in ("pyproject.toml", ".telemetry", *(path.name for path in ROOT.glob("requirements*.lock"))):
        shutil.copy(ROOT / name, target)
    shutil.copy(tracking_store / "mlflow.db", target)
    with start(state, seed=slides, ranges=True, azure=True) as service:
        variables = describe_variables(service, home, target / "cache")
        project = SlidesProject(target, service, state, home, variables)
        machines = {"node_count": 2, "compute": {"name": "two-machines", "max_nodes": 2}}
        project.change("azureml.yml", tags={"cpu": machines})
        project.change("globals.yml", mlflow_server=None)
        yield project


def require_all(project: SlidesProject, slides: Path, done: int) -> None:
    """Every slide has an image in the repository, and a row here and there."""
    table = project.table
    assert list(table.image_id) == sorted(path.stem for path in (slides / "slides").iterdir())
    assert (table.problem == "").all()
    assert project.read_published("images/slides.csv").decode().count("\n") == len(table) + 1
    for image in table.image_id:
        assert project.read_published(f"images/{image}.png").startswith(b"\x89PNG")
    assert project.count_jobs() == done


def test_two_machines_cut_all_slides_and_a_second_run_none(cluster, slides):
    ran = cluster.kedro(*COMMAND, SMALL)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    require_all(cluster, slides, done=1)
    assert "workers of this machine help tls://" in cluster.find_log(1)
    assert "needs no more help" in cluster.find_log(1)
    # images are made in the job, sent from there, and never came here
    assert not (cluster.path / "data" / "03_primary" / "slide_images").exists()
    labels = pd.read_csv(io.BytesIO(cluster.read_published("images/image_labels.csv")), dtype=str)
    assert list(labels.image_id) == list(cluster.table.image_id)
    assert cluster.secrets == []

    again = cluster.kedro(*COMMAND, SMALL)
    assert again.returncode == 0, again.stdout + again.stderr
    count = len(cluster.table)
    assert f"{count} of {count} slides are finished" in again.stdout + again.stderr
    require_all(cluster, slides, done=2)


def find_workers(machine: int) -> list[psutil.Process]:
    """Dask's processes on a machine of a job."""
    found = []
    for process in psutil.process_iter():
        try:
            told = json.loads(process.environ().get("TF_CONFIG", "{}"))
            is_worker = "multiprocessing.spawn" in " ".join(process.cmdline())
        except psutil.Error:
            continue
        if is_worker and told.get("task", {}).get("index") == machine:
            found.append(process)
    return found


def test_workers_of_a_machine_that_are_killed_are_replaced_and_nothing_is_missing(cluster, slides):
    cluster.service.shape(latency_ms=100, mbit_per_s=20)
    with cluster.started_command(*COMMAND, TILES) as running:
        cluster.read_until(running, "workers on this machine")
        killed = wait_until(lambda: find_workers(1))
        for process in killed:
            process.send_signal(signal.SIGKILL)
        replaced = wait_until(lambda: [one for one in find_workers(1) if one not in killed])
        cluster.service.shape()
        output, errors = running.communicate(timeout=300)
    assert running.returncode == 0, output + errors
    assert replaced
    table = cluster.table
    assert table.slide.nunique() == len(list((slides / "slides").iterdir()))
    assert (table.problem == "").all()
    assert all(
        cluster.read_published(f"images/{image}.png").startswith(b"\x89PNG") for image in table.image_id
    )


def test_a_job_that_loses_its_machines_goes_on_with_what_is_missing(cluster, slides):
    kept = "outputs/kept/data/03_primary/slide_images.jsonl"
    cluster.service.shape(latency_ms=100, mbit_per_s=20)
    cluster.service.azure.set(preemptions=1, preempt_on=kept)
    ran = cluster.kedro(*COMMAND, SMALL)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    log = cluster.find_log(0)
    count = len(cluster.table)
    [told] = [line for line in log.splitlines() if f"of {count} slides are finished" in line]
    assert int(told.split(" of ")[0].split()[-1]) >= 1
    require_all(cluster, slides, done=1)
