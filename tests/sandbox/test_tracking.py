"""The real MLflow client against the real MLflow server inside the service."""

import subprocess
import sys
from pathlib import Path

import pytest

from mayo_kedro.sandbox.tracking import find_tracking_root

from .conftest import NAME, OWNER, Running

SCRIPT = """
import mlflow
mlflow.set_experiment("clots")
with mlflow.start_run() as run:
    mlflow.log_param("depth", 3)
    mlflow.log_metric("auc", 0.5, step=1)
    mlflow.log_metric("auc", 0.75, step=2)
    mlflow.log_text("a report", "reports/report.txt")
client = mlflow.MlflowClient()
print(client.get_run(run.info.run_id).data)
print([metric.value for metric in client.get_metric_history(run.info.run_id, "auc")])
print([file.path for file in client.list_artifacts(run.info.run_id, "reports")])
print(mlflow.artifacts.load_text(run.info.artifact_uri + "/reports/report.txt"))
"""


@pytest.mark.parametrize(
    ("path", "root"),
    [
        ("/o/r.mlflow/api/2.0/x", ("o", "r")),
        ("/o/r.mlflow", ("o", "r")),
        ("/o/r.mlflowers/x", None),
        ("/api/v1/repos/o/r.mlflow", None),
    ],
)
def test_find_tracking_root(path: str, root: tuple[str, str] | None) -> None:
    assert find_tracking_root(path) == root


def test_runs_metrics_and_artifacts(fresh: Running, tmp_path: Path) -> None:
    environment = {
        "MLFLOW_TRACKING_URI": f"{fresh.host}/{OWNER}/{NAME}.mlflow",
        "MLFLOW_TRACKING_USERNAME": OWNER,
        "MLFLOW_TRACKING_PASSWORD": fresh.token,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "NO_PROXY": "127.0.0.1",
        "HOME": str(tmp_path),
    }
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "'auc': 0.75" in done.stdout
    assert "'depth': '3'" in done.stdout
    assert done.stdout.splitlines()[-3:] == ["[0.5, 0.75]", "['reports/report.txt']", "a report"]
    assert list((tmp_path / "state" / "mlflow" / "artifacts").rglob("report.txt"))
