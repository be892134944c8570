"""How a run ends: interrupted, tracked, told."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import time

import pytest
import yaml
from kedro.config import OmegaConfigLoader
from kedro.validation.exceptions import ParameterValidationError
from yaml.parser import ParserError

from mayo_kedro.errors import UserError
from mayo_kedro.mistakes import find_mistake, require_parameters
from tests.conftest import ROOT


def wait_for(path, query, seconds=300):
    """Ask the tracking store until it answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with sqlite3.connect(path) as store:
            rows = store.execute(query).fetchall()
        if rows:
            return rows
        time.sleep(0.2)
    raise AssertionError(f"nothing came of {query}")


def test_ctrl_c_marks_the_run_killed_and_leaves_no_model(project, small_sample):
    settings = project.path / "conf" / "test" / "parameters_modelling.yml"
    settings.write_text(settings.read_text().replace("frozen_epochs: 1", "frozen_epochs: 500"))
    # A shell's background job, such as a CI may run the tests as, ignores Ctrl-C, and so do its children.
    command = ["env", "--default-signal=INT", sys.executable, "-m", "mayo_kedro.sandbox"]
    command += ["--seed", str(small_sample), "--state", str(project.path / ".sandbox"), "--"]
    command += [sys.executable, "-m", "kedro", "run", "--env", "test"]
    running = subprocess.Popen(
        command,
        cwd=project.path,
        env={**os.environ, **project.variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        wait_for(project.path / "mlflow.db", "select 1 from metrics where key like 'fold_0/%' limit 1")
        os.killpg(running.pid, signal.SIGINT)
        output, _ = running.communicate(timeout=180)
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
    assert running.returncode not in (0, None), output
    assert wait_for(project.path / "mlflow.db", "select status from runs") == [("KILLED",)]
    assert not list((project.path / "data").glob("06_models/*.keras"))


def test_a_finished_run_is_tracked_with_its_data_parameters_curves_figures_and_model(finished_project):
    with sqlite3.connect(finished_project / "mlflow.db") as store:
        assert store.execute("select status from runs").fetchall() == [("FINISHED",)]
        parameters = dict(store.execute("select key, value from params"))
        tags = dict(store.execute("select key, value from tags"))
        metrics = {name for (name,) in store.execute("select distinct key from metrics")}
    assert parameters["modelling.backbone"] == "EfficientNetLite0"
    assert parameters["modelling.frozen_epochs"] == "1"
    assert len(tags["data.commit"]) == 40
    assert tags["data.repository"] == "sandbox/clots"
    assert tags["mlflow.runName"] == "whole_image EfficientNetLite0"
    assert tags["mlflow.note.content"].startswith("AUC by patient: 0.")
    assert {"fold_0/val_loss", "patient_auc", "patient_weighted_log_loss_low"} <= metrics
    artifacts = {path.name for path in (finished_project / "mlruns").rglob("*")}
    assert {"report.html", "roc.png", "most_wrong.csv", "MLmodel"} <= artifacts
    models = [path.read_text() for path in (finished_project / "mlruns").rglob("MLmodel")]
    signatures = sorted(model.partition("signature:")[2] for model in models)
    assert len(signatures) == 2
    assert any("uint8" in signature for signature in signatures)  # the network
    assert any("binary" in signature for signature in signatures)  # and what is served


def test_runs_go_to_dagshubs_mlflow_server_by_one_setting(project, sandbox):
    server = f"{sandbox.host}/{sandbox.owner}/{sandbox.name}.mlflow"
    repository = {"host": sandbox.host, "owner": sandbox.owner, "name": sandbox.name, "branch": "main"}
    globals_file = project.path / "conf" / "test" / "globals.yml"
    globals_file.write_text(yaml.safe_dump({"repository": repository, "mlflow_server": server}))
    login = {"MLFLOW_TRACKING_USERNAME": sandbox.owner, "MLFLOW_TRACKING_PASSWORD": sandbox.token}
    command = ["run", "--quiet", "--env", "test", "--pipelines", "data_processing"]
    result = project.kedro(*command, DAGSHUB_USER_TOKEN=sandbox.token, **login)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    asked = sandbox.counts()["paths"]
    assert any("artifacts" in path and "contact_sheet.png" in path for path in asked), list(asked)
    assert not (project.path / "mlruns").exists()


def test_a_finished_run_tells_where_everything_is_and_what_it_published(finished_project):
    log = " ".join((finished_project / "run.log").read_text().split())
    for told in (
        "AUC by patient: ",
        "a constant guess has 0.693",
        "data/08_reporting/report.html",
        "Next: open the report",
        "as commit ",
        "and read back",
    ):
        assert told in log, told


def test_no_secret_is_left_by_a_run(finished_project):
    token = (finished_project / ".sandbox" / "token").read_text().strip()
    assert token
    for path in finished_project.rglob("*"):
        if path.is_file() and ".sandbox" not in path.parts:
            assert token.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(28, "No space left on device", "data/06_models/x.keras"), "No space is left.*x.keras"),
        (
            FileNotFoundError(2, "No such file", "/home/ann/data/03_primary/labels.csv"),
            "labels.csv is missing",
        ),
        (
            ParameterValidationError(
                "Parameter 'modelling': 1 validation error for M\nfolds\n  Input should be greater than 0 "
                "[type=greater_than, input_value=-1, input_type=int]"
            ),
            "modelling.folds = -1: Input should be greater than 0",
        ),
        (
            ParameterValidationError(
                "Parameter 'columns': 1 validation error for Columns\n  Value error, "
                "columns.positive is 'B', which is not in columns.classes "
                "[type=value_error, input_value={}, input_type=dict]"
            ),
            r"^columns\.positive is 'B'.*\n.*globals\.yml of conf/base",
        ),
        (
            ParameterValidationError(
                "Parameter 'modelling': 1 validation error for M\nbackbone\n  Value error, 'X' is not one "
                "of A, B [type=value_error, input_value='X', input_type=str]"
            ),
            r"^modelling\.backbone = 'X': 'X' is not one of A, B\.\n",
        ),
        (
            ImportError("An error occurred while importing the 'mayo_kedro.pipelines.trainig' module."),
            "There is no pipeline 'trainig'.*\n.*kedro registry list",
        ),
    ],
)
def test_errors_of_others_that_a_user_can_mend_are_explained(error, expected):
    wrapped = RuntimeError("while saving")
    wrapped.__cause__ = error
    mistake = find_mistake(wrapped)
    assert isinstance(mistake, UserError)
    with pytest.raises(UserError, match=expected):
        raise mistake


def test_the_option_for_a_single_pipeline_is_explained_too():
    error = ValueError("Failed to find the pipeline named 'trainig'. It needs to be generated")
    error.__cause__ = KeyError("trainig")
    assert "There is no pipeline 'trainig'" in str(find_mistake(error))


def test_a_fault_of_the_program_is_not_taken_for_a_mistake():
    assert find_mistake(ZeroDivisionError("division by zero")) is None


def test_a_misspelt_environment_is_refused_with_the_ones_there_are(project):
    result = project.kedro("run", "--env", "tset")
    assert result.returncode == 1
    told = " ".join(result.stderr.split())
    assert "There is no environment 'tset'" in told
    assert "azure, base, local, test" in told
    assert "Traceback" not in result.stdout + result.stderr


def test_a_mistake_in_yaml_is_told_with_its_line(tmp_path):
    for name in ("base", "local"):
        (tmp_path / name).mkdir()
    (tmp_path / "local" / "globals.yml").write_text("images:\n  table: [\n  folder: scans\n")
    with pytest.raises(ParserError) as raised:
        OmegaConfigLoader(str(tmp_path), base_env="base", default_run_env="local")
    assert re.match(r".*/local/globals\.yml has a .*, found in line 4\.\n", str(find_mistake(raised.value)))


def test_a_misspelt_parameter_is_refused_with_the_ones_there_are():
    require_parameters(ROOT / "conf", ["modelling", "columns", "new_images", "resume"])
    with pytest.raises(UserError, match=r"no parameter 'folds'\.\n.*modelling, new_images.*slides"):
        require_parameters(ROOT / "conf", ["folds"])


def test_the_pages_of_mlflow_ui_can_ask_their_questions(finished_project):
    """They ask through GraphQL, which an unlucky choice of versions breaks."""
    code = """
from mlflow.server import app
import mlflow, sys
run = mlflow.search_runs(search_all_experiments=True)["run_id"][0]
asked = {"operationName": "GetRun", "variables": {"data": {"runId": run}},
  "query": "query GetRun($data: MlflowGetRunInput!)"
           " { mlflowGetRun(input: $data) { run { info { status } } } }"}
print(app.test_client().post("/graphql", json=asked).get_data(as_text=True))
"""
    store = f"sqlite:///{finished_project / 'mlflow.db'}"
    answered = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MLFLOW_TRACKING_URI": store, "_MLFLOW_SERVER_FILE_STORE": store},
        capture_output=True,
        text=True,
        check=False,
    )
    assert '"status":"FINISHED"' in answered.stdout.replace(" ", ""), answered.stdout + answered.stderr


CHOICES = """
import os, sys
from pathlib import Path
from kedro.framework.cli.cli import KedroCLI
from kedro.framework.project import settings

node, cli = "record_data_version_node", KedroCLI(Path.cwd())


def run(*options):
    try:
        cli.main(["run", "--nodes", node, *options], prog_name="kedro")
    except SystemExit as end:
        assert end.code in (0, None), options


run()
run("--env", "azure")
os.environ["KEDRO_ENV"] = "azure"
run()
del os.environ["KEDRO_ENV"]
run("--env", "azure", "--runner", "ThreadRunner")
run("--env", "azure", "--runner", "SequentialRunner")
run("--env", "azure", "--async")
with settings.SESSION_CLASS.create(project_path=Path.cwd(), env="azure") as session:
    session.run(node_names=[node])
with settings.SESSION_CLASS.create(project_path=Path.cwd()) as session:
    session.run(node_names=[node])
"""


def test_the_runner_is_the_environments_unless_another_is_named(project, sandbox):
    """MLflow's tags tell which one ran, in the order of the calls."""
    (project.path / "conf/azure/globals.yml").write_text("mlflow_server: null\n")
    exports = {
        "DAGSHUB_CLIENT_HOST": sandbox.host,
        "DAGSHUB_USER_TOKEN": sandbox.token,
        "MAYO_KEDRO_SANDBOX": f"{sandbox.owner}/{sandbox.name}",
    }
    result = project.python("-c", CHOICES, **exports)
    assert result.returncode == 0, result.stdout + result.stderr
    with sqlite3.connect(project.path / "mlflow.db") as store:
        query = (
            "select value from tags join runs using (run_uuid) where key = 'runner' order by runs.start_time"
        )
        ran = [re.search(r"(\w+)( object|,|>|$)", value)[1] for (value,) in store.execute(query)]
        states = store.execute("select distinct status from runs").fetchall()
    here, there = "SequentialRunner", "AzureMLRunner"
    # Kedro notes a runner that nobody chose as None, and takes the sequential one.
    assert ran == [here, there, there, "ThreadRunner", here, here, there, "None"]
    assert states == [("FINISHED",)]
