"""What a job has made comes back, whole and to its place, or not at all: of real jobs on the sandbox."""

import time
import uuid
from textwrap import dedent

import pytest

from mayo_kedro.errors import UserError
from mayo_kedro.runners.azure.backend import AzureMLBackend
from mayo_kedro.runners.crossing.crossings import Crossing, Way
from mayo_kedro.runners.crossing.returning import bring_back, fetch_failure
from mayo_kedro.runners.job import ComputeSpec, EnvironmentSpec, JobSpec
from mayo_kedro.runners.settings import AzureMLSettings

CLUSTER = ComputeSpec("gpu-cluster", "Standard_NC4as_T4_v3", max_nodes=4, idle_seconds=60)
CONTAINER = EnvironmentSpec("mayo-kedro-test", "FROM example/image:1\n")

PROGRAM = """
import hashlib, json, pathlib

files, packed = {}, {}


def leave(dataset, path, text):
    artifact = pathlib.Path("outputs/results", dataset, pathlib.Path(path).name)
    artifact.parent.mkdir(parents=True, exist_ok=True)
    artifact.write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    files.setdefault(dataset, []).append(
        {"path": path, "artifact": str(artifact), "sha256": digest, "bytes": len(text)}
    )


CONTENT
pathlib.Path("outputs/results").mkdir(parents=True, exist_ok=True)
manifest = {"packed": packed, "files": files}
pathlib.Path("outputs/results/manifest.json").write_text(json.dumps(manifest))
"""

MODELS = Crossing("models", Way.FILE, "data/06_models", ".keras")
TABLE = Crossing("table", Way.FILE, "data/table.csv")


@pytest.fixture(scope="module")
def backend(azure):
    backend = AzureMLBackend(AzureMLSettings())
    backend.ensure_compute(CLUSTER)
    backend.ensure_environment(CONTAINER)
    return backend


@pytest.fixture
def leave(backend, tmp_path):
    """Run a job that leaves something, and give its id."""

    def run(content: str) -> str:
        source = tmp_path / "source"
        source.mkdir()
        (source / "job.py").write_text(PROGRAM.replace("CONTENT", dedent(content)))
        run_id = f"returning_{uuid.uuid4().hex}"
        command = ["python", "job.py"]
        backend.submit(JobSpec(run_id, "returning", command, source, CONTAINER, CLUSTER, max_seconds=120))
        while not backend.state(run_id).status.is_over:
            time.sleep(0.2)
        return run_id

    return run


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    (folder / "data/06_models/old").mkdir(parents=True)
    (folder / "data/06_models/fold_9.keras").write_text("earlier")
    (folder / "data/06_models/old/fold_8.keras").write_text("earlier")
    (folder / "data/06_models/notes.txt").write_text("a user's")
    (folder / "data/table.csv").write_text("earlier")
    return folder


def list_all(project):
    return sorted(str(path.relative_to(project)) for path in project.rglob("*") if path.is_file())


def test_files_take_their_places_and_those_of_an_earlier_run_go(backend, leave, project):
    run_id = leave(
        """
        leave("models", "data/06_models/fold_0.keras", "new")
        leave("table", "data/table.csv", "new")
        """
    )
    assert bring_back(backend, run_id, [MODELS, TABLE], project) == {}
    assert list_all(project) == ["data/06_models/fold_0.keras", "data/06_models/notes.txt", "data/table.csv"]
    assert (project / "data/table.csv").read_text() == "new"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('leave("models", "data/06_models/fold_0.keras", "new")', "ended without table"),
        (
            'leave("models", "data/06_models/fold_0.keras", "new"); leave("table", "../table.csv", "new")',
            r"to put a file of table to \.\./table\.csv, outside of data/table\.csv",
        ),
        (
            """
            leave("models", "data/06_models/../../conf/x.keras", "new")
            leave("table", "data/table.csv", "new")
            """,
            r"to put a file of models to data/06_models/\.\./\.\./conf/x\.keras",
        ),
        (
            """
            leave("models", "data/06_models/fold_0.keras", "new"); leave("table", "data/table.csv", "new")
            files["table"][0]["sha256"] = "0" * 64
            """,
            "outputs/results/table/table.csv of the job .* is not what the job wrote",
        ),
    ],
)
def test_what_is_not_right_changes_nothing_here(backend, leave, project, content, told):
    before = {path: (project / path).read_text() for path in list_all(project)}
    with pytest.raises(UserError, match=told):
        bring_back(backend, leave(content), [MODELS, TABLE], project)
    assert {path: (project / path).read_text() for path in list_all(project)} == before


def test_a_job_that_left_no_word_of_its_failure_has_none(backend, leave):
    assert fetch_failure(backend, leave("raise SystemExit(4)")) is None
