"""Every command that the README and the docs show is run by a test: here, or by the one that is named."""

import contextlib
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml

from tests.docs.commands import COMMANDS, ROOT, Elsewhere, Here, list_documented

PATIENCE_S = 400
RUN_HERE = [command for command, way in COMMANDS.items() if isinstance(way, Here)]
RUN_ELSEWHERE = [command for command, way in COMMANDS.items() if isinstance(way, Elsewhere)]


def test_every_documented_command_is_known():
    documented = list_documented()
    assert len(documented) > 20
    unknown = {command: pages for command, pages in documented.items() if command not in COMMANDS}
    assert not unknown, "Say in tests/docs/commands.py how these are tested."
    assert not set(COMMANDS) - set(documented), "These are documented no longer."


@pytest.mark.parametrize("command", RUN_ELSEWHERE)
def test_a_command_that_is_run_elsewhere_is_run_there(command):
    way = COMMANDS[command]
    assert way.says in (ROOT / way.file).read_text()


@dataclass(frozen=True)
class Checkout:
    """A copy of this checkout, beside a service with the small sample."""

    folder: Path
    variables: dict[str, str]
    sample: Path

    def start(self, command: str, way: Here, log: Path) -> "subprocess.Popen[bytes]":
        """Start a command as somebody would who has sourced bin/_setup."""
        line = f"source bin/_setup && {way.line(command, self.sample)}"
        with log.open("wb") as output:
            return subprocess.Popen(
                ["bash", "-c", line],
                cwd=self.folder,
                env={**self.variables, "KEDRO_ENV": way.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


def fingerprint(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def copy_environment(target: Path) -> None:
    """An environment that bin/_setup takes as it is: nothing is installed into the one of these tests."""
    target.mkdir()
    for part in Path(sys.prefix).iterdir():
        if not part.name.startswith("."):
            (target / part.name).symlink_to(part)
    (target / f".locked-{fingerprint(ROOT / 'requirements.lock')}").touch()
    (target / f".project-{fingerprint(ROOT / 'pyproject.toml')}").touch()


@pytest.fixture(scope="module")
def checkout(
    tmp_path_factory: pytest.TempPathFactory, tracking_store: Path, small_sample: Path
) -> Iterator[Checkout]:
    from mayo_kedro.sandbox.command import make_environment, read_exports
    from mayo_kedro.sandbox.process import start

    folder = tmp_path_factory.mktemp("checkout") / "project"
    names = [
        "bin",
        "conf",
        "docs",
        "notebooks",
        "src",
        "mkdocs.yml",
        "README.md",
        "pyproject.toml",
        ".telemetry",
    ]
    for part in [*(ROOT / name for name in names), *ROOT.glob("requirements*.lock")]:
        leave_out = shutil.ignore_patterns("local", "__pycache__", "*.egg-info")
        copy = folder / part.name
        copy.parent.mkdir(exist_ok=True)
        shutil.copytree(part, copy, ignore=leave_out) if part.is_dir() else shutil.copy(part, copy)
    (folder / "conf" / "local").mkdir()
    copy_environment(folder / ".venv")
    shutil.copy(tracking_store / "mlflow.db", folder)
    with start(folder.parent / "state", seed=small_sample) as service:
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("DAGSHUB", "MAYO_"))
        }
        found = make_environment(read_exports(service.host, service.token, "sandbox/clots"), clean)
        # Kedro-Viz asks PyPI for its newest version and waits up to 30 s; here it is refused at once.
        nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
        own = {"MAYO_CACHE_DIR": str(folder / "cache"), "HOME": str(folder.parent), "NO_COLOR": "1"}
        yield Checkout(folder, {**found, **nowhere, **own}, small_sample)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_answer(address: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until a server answers, and fail if it ends before."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), direct.open(address, timeout=5) as answer:
            assert answer.status == 200
            return
        time.sleep(0.5)
    pytest.fail(log.read_text())


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a server and what it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
@pytest.mark.parametrize("command", [name for name in RUN_HERE if not COMMANDS[name].serves])
def test_a_command_does_what_it_is_there_for(checkout, command, tmp_path):
    process = checkout.start(command, COMMANDS[command], tmp_path / "log")
    try:
        code = process.wait(timeout=PATIENCE_S)
    finally:
        end(process)
    assert code == 0, (tmp_path / "log").read_text()[-4000:]


@pytest.mark.slow
def test_the_workflow_makes_what_it_keeps(checkout, tmp_path):
    """The documentation and the flowchart, by the workflow's own commands."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    runs = [step.get("run", "") for step in workflow["jobs"]["test"]["steps"]]
    making = [command for command in runs if "bin/_setup" in command]
    for command in making:
        process = checkout.start(command, Here(), tmp_path / "log")
        assert process.wait(timeout=PATIENCE_S) == 0, (tmp_path / "log").read_text()
    assert len(making) == 2
    assert (checkout.folder / "site" / "index.html").exists()
    assert (checkout.folder / "build" / "index.html").exists()
    shown = [path.read_text() for path in (checkout.folder / "build" / "api" / "nodes").iterdir()]
    assert any("HTMLPreview" in text for text in shown)  # the report's verdict


@pytest.mark.slow
@pytest.mark.parametrize("command", [name for name in RUN_HERE if COMMANDS[name].serves])
def test_a_server_starts_and_answers(checkout, command, tmp_path):
    way, port = COMMANDS[command], free_port()
    way = replace(way, added=way.added.replace("PORT", str(port)))
    process = checkout.start(command, way, tmp_path / "log")
    try:
        wait_for_answer(f"http://127.0.0.1:{port}{way.serves}", process, tmp_path / "log")
    finally:
        end(process)
