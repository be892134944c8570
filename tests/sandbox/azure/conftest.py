"""A service with its Azure ML part, and a user's process with the real SDK, for all tests of this folder."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mayo_kedro.sandbox.azure.handle import AzureSandbox
from mayo_kedro.sandbox.process import start

PROCESS = Path(__file__).with_name("client_process.py")


class ClientError(Exception):
    """What the SDK raised; `kind` is the name of its class."""

    def __init__(self, kind: str, message: str, trace: str) -> None:
        super().__init__(f"{kind}: {message}\n{trace}")
        self.kind = kind
        self.message = message


class Client:
    """A process in which Python can be run, one piece after the other."""

    def __init__(self, variables: Mapping[str, str], home: Path) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, str(PROCESS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**kept, "HOME": str(home), **variables},
        )

    def __call__(self, code: str, **names: Any) -> Any:
        """Run code, with these names set; what it leaves as `result`."""
        settings = "".join(f"{name} = {value!r}\n" for name, value in names.items())
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(settings + textwrap.dedent(code)) + "\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        if "error" in answer:
            raise ClientError(answer["error"], answer["message"], answer["trace"])
        return answer["result"]

    def close(self) -> None:
        self._process.communicate(timeout=20)


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory, seed: Path) -> Iterator[AzureSandbox]:
    with start(tmp_path_factory.mktemp("azure") / "state", seed=seed, azure=True) as sandbox:
        yield sandbox.azure


@pytest.fixture(scope="session")
def make_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Client]]:
    clients: list[Client] = []

    def make(variables: Mapping[str, str], home: Path | None = None) -> Client:
        clients.append(Client(variables, home or tmp_path_factory.mktemp("home")))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def client(azure: AzureSandbox, make_client: Callable[..., Client]) -> Client:
    """A user who has opened the workspace as `workspace`, and made a cluster of two nodes, `gpu`."""
    made = make_client(azure.variables)
    made(
        """
        import tempfile, time, uuid
        import requests
        from azureml.core import Environment, Experiment, Run
        from azureml.core.compute import ComputeTarget
        workspace = open_workspace()
        cluster = make_cluster(workspace, "gpu")
        """
    )
    return made


@pytest.fixture(autouse=True)
def _undisturbed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Turn the knobs back that a test has left turned."""
    yield
    if "azure" in request.fixturenames:
        sandbox: AzureSandbox = request.getfixturevalue("azure")
        sandbox.reset("faults")
        sandbox.set(
            queue_seconds=0,
            preemptions=0,
            preempt_after=0,
            preempt_on="",
            start_failures=0,
            log_delay=0,
            log_bytes=1e9,
        )
