"""Starts a job, in the unpacked snapshot, with `COMMAND` of job_folder.py.

Until it is known that code, packages and Python are what was submitted, only the standard library is
used. Then Kedro runs in this process, as the command `kedro run --config job/run.yml`.
"""

import json
import os
import runpy
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

REFUSED = 3
"""Exit code: the job is not what was submitted, and nothing was run."""

_PACKAGES = Path(__file__).resolve().parents[3]
_SERVICE_TRACKING = (
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_RUN_ID",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
)
_TOLD = 5


def main(request_file: str) -> None:
    """Check, prepare, run.

    Args:
        request_file: path of the request, below the working folder.

    Raises:
        SystemExit: with 0, with Kedro's own code, or with 3 where the job is not what was submitted.
    """
    # The time first: a log that begins otherwise than before tells that the job has begun anew.
    print(f"The job starts at {datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f} UTC.", flush=True)  # noqa: T201
    # Before any package of the image's that has the same name.
    sys.path.insert(0, str(_PACKAGES))
    request = json.loads(Path(request_file).read_text(encoding="utf-8"))
    problem = find_problem(request, Path.cwd())
    if problem:
        _refuse(problem)
    _run(request, Path(request_file).with_name("run.yml"))


def find_problem(request: Mapping[str, Any], folder: Path) -> str:
    """Compare Python, lock and code with what was submitted.

    Args:
        request: content of request.json.
        folder: the unpacked snapshot.

    Returns:
        What differs and what helps, in words; "" if nothing does.
    """
    from mayo_kedro.runners.sending.fingerprints import (  # noqa: PLC0415  it is found only since `main`
        LOCK,
        find_differences,
        hash_file,
        python_version,
    )

    expected, lock = request["fingerprints"], folder / LOCK
    if python_version() != expected["python"]:
        return (
            f"The job has Python {python_version()}, and was submitted with {expected['python']}.\n"
            "Use the same minor version on both sides: the image's, or that of .venv."
        )
    if not lock.is_file() or hash_file(lock) != expected["lock"]:
        return (
            f"{LOCK} of the job is not the one it was submitted with.\n"
            "Submit again, so that the snapshot and the image are made from one lock."
        )
    differences = find_differences(folder, request["files"])
    if differences:
        more = f" and {len(differences) - _TOLD} more" if len(differences) > _TOLD else ""
        return (
            f"The job's code is not what was submitted: {', '.join(differences[:_TOLD])}{more}.\n"
            "Submit again; nothing was run."
        )
    return ""


def prepare(request: Mapping[str, Any], folder: Path) -> None:
    """Set the environment of this process, secrets included, and make the folders that are collected.

    Args:
        request: content of request.json.
        folder: the unpacked snapshot.
    """
    for name in ("outputs", "logs", "conf/local"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    if request["tracking"]:
        _track_elsewhere(request["tracking"])
    os.environ.update(
        PYTHONPATH=str(folder / "src"),
        PYTHONUNBUFFERED="1",
        MAYO_CHECKPOINTS=str(folder / "outputs" / "checkpoints"),
        MAYO_KEPT=str(folder / "outputs" / "kept"),
    )
    os.environ.update(request["environment"])
    if request["secrets"]:
        module, _, name = request["context"].rpartition(".")
        context = getattr(import_module(module), name)()
        for variable, secret in request["secrets"].items():
            os.environ[variable] = context.secret(secret)
        _hide([os.environ[variable] for variable in request["secrets"]])
    if not is_chief():
        os.environ["MAYO_UNTRACKED"] = "1"


def is_chief() -> bool:
    """Whether this process keeps what is made: of several that train together only one does."""
    cluster = json.loads(os.environ.get("TF_CONFIG") or "{}")
    task = cluster.get("task", {})
    if not task or task.get("type") == "chief":
        return True
    return task.get("type") == "worker" and task.get("index") == 0 and "chief" not in cluster["cluster"]


def _hide(secrets: list[str]) -> None:
    from mayo_kedro.runners.in_job.scrubbed_stream import ScrubbedStream  # noqa: PLC0415

    sys.stdout, sys.stderr = (ScrubbedStream(stream, secrets) for stream in (sys.stdout, sys.stderr))


def _track_elsewhere(tracking: Mapping[str, Any]) -> None:
    # With the service's own run id MLflow would look for that run on the other server.
    for name in _SERVICE_TRACKING:
        os.environ.pop(name, None)
    os.environ["MLFLOW_TRACKING_URI"] = tracking["uri"]
    if tracking["run_id"]:
        os.environ["MLFLOW_RUN_ID"] = tracking["run_id"]


def _refuse(problem: str) -> None:
    from mayo_kedro.runners.in_job.job_folder import FAILURE  # noqa: PLC0415

    print(f"Refused: {problem}", file=sys.stderr)  # noqa: T201
    Path(FAILURE).parent.mkdir(parents=True, exist_ok=True)
    Path(FAILURE).write_text(json.dumps({"type": "Refusal", "message": problem}), encoding="utf-8")
    sys.exit(REFUSED)


def _run(request: Mapping[str, Any], configuration: Path) -> None:
    from mayo_kedro.errors import UserError  # noqa: PLC0415
    from mayo_kedro.runners.in_job.failures import forget_results, record_failure  # noqa: PLC0415

    if is_chief():
        forget_results(Path.cwd())
    try:
        prepare(request, Path.cwd())
        sys.argv = ["kedro", "run", "--config", str(configuration)]
        runpy.run_module("kedro", run_name="__main__", alter_sys=True)
    except BaseException as error:
        if is_chief():
            record_failure(error, Path.cwd(), secrets=request["secrets"])
        if isinstance(error, UserError):
            print(error, file=sys.stderr)  # noqa: T201
            sys.exit(1)
        raise


if __name__ == "__main__":
    main(sys.argv[1])
