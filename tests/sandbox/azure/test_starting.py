"""`python -m mayo_kedro.sandbox -- COMMAND` with the real SDK, start after start, and how a service ends."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mayo_kedro.sandbox.process import start

from .conftest import PROCESS, Client

USER = """
workspace = open_workspace()
if len(sys.argv) > 1:
    make_cluster(workspace, "gpu")
run = submit(workspace, {"main.py": "print(open('data.txt').read())", "data.txt": "the same each time"})
from azureml.core import Experiment
print(json.dumps([wait(run), read_log(run), len(list(Experiment(workspace, "tries").get_runs()))]))
"""


def rehearse(state: Path, seed: Path, home: Path, *arguments: str) -> list[object]:
    code = PROCESS.read_text().replace('if __name__ == "__main__":\n    serve()\n', USER)
    command = [sys.executable, "-m", "mayo_kedro.sandbox", f"--state={state}", f"--seed={seed}"]
    done = subprocess.run(
        [*command, "--azure=workspace=mine", "--", sys.executable, "-c", code, *arguments],
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "Workspace mine stands in for Azure ML" in done.stderr
    told: list[object] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.slow
def test_one_start_after_the_other_and_on_another_port(tmp_path: Path, seed: Path) -> None:
    """The SDK's caches in the user's home fit each time, and the history goes on."""
    state, home = tmp_path / "state", tmp_path / "home"
    home.mkdir()
    assert rehearse(state, seed, home, "first") == ["Completed", "the same each time\n", 1]
    assert rehearse(state, seed, home) == ["Completed", "the same each time\n", 2]
    port = int((state / "azure" / "port").read_text())
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert rehearse(state, seed, home) == ["Completed", "the same each time\n", 3]
    assert sorted(path.name for path in home.iterdir()) == [".azureml"]


def test_knobs_on_the_command_line(tmp_path: Path, seed: Path) -> None:
    command = [sys.executable, "-m", "mayo_kedro.sandbox", f"--state={tmp_path}", f"--seed={seed}"]
    wrong = subprocess.run([*command, "--azure=speed=1"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "there is no knob speed" in wrong.stderr
    told = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "refuse_submissions" in told
    shown = "import os; print(os.environ['AZUREML_ARM_RESOURCEGROUP'], os.environ['NO_PROXY'])"
    run = subprocess.run(
        [*command, "--azure=group=mine", "--azure", "queue_seconds=2", "--", sys.executable, "-c", shown],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "NO_PROXY": "intranet"},
    )
    assert run.stdout == "mine intranet,127.0.0.1\n"


def test_without_azure_there_is_none(tmp_path: Path, seed: Path) -> None:
    with start(tmp_path / "state", seed=seed) as sandbox, pytest.raises(ValueError, match="azure=True"):
        assert sandbox.azure
    assert not (tmp_path / "state" / "azure").exists()


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_jobs_and_their_folders_end_with_the_service(
    tmp_path: Path, seed: Path, make_client: Callable[..., Client], how: str
) -> None:
    sandbox = start(tmp_path / "state", seed=seed, azure=True)
    client = make_client(sandbox.azure.variables)
    process, folder = client(
        """
        import time
        workspace = open_workspace()
        make_cluster(workspace, "gpu")
        run = submit(workspace, {"main.py":
            "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)\\n"
            "print(os.getpid(), os.getcwd(), flush=True); time.sleep(90)"})
        wait(run, "Running")
        while not run.get_details()["logFiles"] or "\\n" not in (text := read_log(run)):
            time.sleep(0.05)
        result = text.split()
        name = run.id
        """
    )
    if how == "stop":
        sandbox.stop()
    else:
        os.kill(sandbox.process.pid, signal.SIGKILL)
        sandbox.process.wait()
    deadline = time.monotonic() + 20
    while (is_running(int(process)) or Path(folder).exists()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(int(process))
    assert not Path(folder).exists()
    sandbox.stop()
    with start(tmp_path / "state", seed=seed, azure=True) as again:
        other = make_client(again.azure.variables)
        name = client("result = name")
        told = other(
            """
            from azureml.core import Run
            run = Run.get(open_workspace(), name)
            result = [run.get_status(), run.get_details()["error"]["error"]["message"]]
            """,
            name=name,
        )
    assert told == ["Canceled", "the sandbox was stopped while this ran"]


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
