"""Starting the service as a process of its own, from a programme; cheap to import."""

import atexit
import base64
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mayo_kedro.sandbox.azure.handle import AzureSandbox

__all__ = ["Sandbox", "SandboxError", "start"]

PATIENCE_S = 5.0
COMMIT_PATIENCE_S = 300.0  # a folder of a million files takes its time


class SandboxError(RuntimeError):
    """The service did not start."""


class Sandbox:
    """A running service; it ends with `stop`, with this process, or as a context manager.

    Attributes:
        host: its URL.
        token: what a client identifies by.
        owner: of the repository, who is also its one user.
        name: of the repository.
        branch: its default branch.
        notice: one line for the user: what this is.
    """

    def __init__(self, process: "subprocess.Popen[str]", ready: dict[str, Any]) -> None:
        self.process = process
        self.host = ready["host"]
        self.token = ready["token"]
        self.owner = ready["owner"]
        self.name = ready["name"]
        self.branch = ready["branch"]
        self.notice = ready["notice"]
        self._azure = AzureSandbox(ready["azure"]) if ready["azure"] else None
        # a proxy of the user's environment does not reach loopback
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        atexit.register(self.stop)

    def __enter__(self) -> "Sandbox":
        """The running service."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def stop(self) -> None:
        """End the service; harmless if it has ended."""
        atexit.unregister(self.stop)
        _end(self.process)

    @property
    def azure(self) -> AzureSandbox:
        """The stand-in for Azure ML.

        Raises:
            ValueError: the service was started without it.
        """
        if self._azure is None:
            raise ValueError("the sandbox was started without Azure ML: start(…, azure=True)")
        return self._azure

    def counts(self) -> dict[str, Any]:
        """What has passed: `requests`, `bytes`, `connections`, and the first two by path in `paths`."""
        counted: dict[str, Any] = json.loads(self._ask("GET", "counts"))
        return counted

    def fault(self, path: str = "*", kind: str = "status", **settings: Any) -> None:
        """Order a fault.

        Args:
            path: a glob over paths; `*` matches slashes too.
            kind: status, reset, lost, silence, truncate, stall or corrupt.
            settings: `status`, `retry_after` (seconds), `times` (1; None for all), `method`, `share` (1.0; of
                the requests that fit, drawn with `seed`, 0).
        """
        self._ask("POST", "faults", [{"path": path, "kind": kind, **settings}])

    def shape(self, latency_ms: float = 0.0, mbit_per_s: float | None = None) -> None:
        """Put the service further away, or narrow the line that all connections share."""
        self._ask("POST", "link", {"latency_ms": latency_ms, "mbit_per_s": mbit_per_s})

    def expire_token(self, after: int = 0) -> None:
        """Let the token work for `after` more requests; then the answer is 401."""
        self._ask("POST", "token", {"after": after})

    def reset(self, what: str = "") -> None:
        """Forget `counts`, `faults`, `link` or the end of the `token`; all of them without an argument."""
        self._ask("DELETE", what)

    def commit(
        self, files: Mapping[str, bytes], message: str = "More files", versioning: str = "auto"
    ) -> str:
        """Commit files, new or changed, at the head of the default branch.

        Args:
            files: contents by path from the root of the repository.
            message: of the commit.
            versioning: git, dvc, or auto: the way the file is tracked now, else git for a text, dvc for the
                rest.

        Returns:
            The id of the commit that holds them: the present one, if nothing changes.
        """
        encoded = {path: base64.b64encode(content).decode() for path, content in files.items()}
        return self._commit("commit", {"files": encoded, "message": message, "versioning": versioning})

    def remove(self, path: str) -> str:
        """Commit, at the head of the default branch, that a file or folder is gone; earlier commits keep it.

        Args:
            path: in git or DVC, also inside a folder that DVC tracks.

        Returns:
            The id of the new commit.
        """
        return self._commit("remove", {"path": path})

    def _commit(self, how: str, given: Any) -> str:
        answer = self._ask("POST", f"{self.owner}/{self.name}/{how}", given, COMMIT_PATIENCE_S)
        return str(json.loads(answer)["commit"])

    def _ask(self, method: str, what: str, given: Any = None, patience_s: float = PATIENCE_S) -> str:
        body = None if given is None else json.dumps(given).encode()
        request = urllib.request.Request(f"{self.host}/_sandbox/{what}", body, method=method)  # noqa: S310 - ours
        try:
            with self._opener.open(request, timeout=patience_s) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as refusal:
            raise ValueError(refusal.read().decode()) from None


def start(
    state: Path,
    *,
    seed: Path | None = None,
    repository: str = "sandbox/clots",
    port: int = 0,
    ranges: bool = False,
    buckets: Mapping[str, Path] | None = None,
    azure: bool = False,
) -> Sandbox:
    """Start the service and wait until it answers.

    The first start on a state folder draws the sample, and says so on stderr.

    Args:
        state: the folder that holds everything; made on first use, kept from start to start.
        seed: a folder to fill the repository from instead of the sample.
        repository: OWNER/NAME.
        port: on loopback; 0 for the one used last, or a free one.
        ranges: whether files can be asked for in part, and are sent with an ETag.
        buckets: folders to connect as storage buckets, by PROTOCOL/NAME such as "s3/slides".
        azure: whether to start a stand-in for Azure ML as well.

    Raises:
        SandboxError: the service ended before it answered; it has said why on stderr.
    """
    owner, _, name = repository.partition("/")
    command = [
        sys.executable,
        "-m",
        "mayo_kedro.sandbox",
        f"--attached={os.getpid()}",
        f"--state={state}",
        f"--port={port}",
    ]
    command += [f"--owner={owner}", f"--name={name}", *([f"--seed={seed}"] if seed else [])]
    command += ["--ranges"] if ranges else []
    command += [f"--bucket={place}={folder}" for place, folder in (buckets or {}).items()]
    command += ["--with-azure"] if azure else []
    # in a session of its own: Ctrl-C ends the programme, whose last requests are still answered
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, start_new_session=True)
    assert process.stdout is not None  # noqa: S101 - it is a pipe; tells mypy
    try:
        line = process.stdout.readline()
    except BaseException:
        _end(process)
        raise
    if not line:
        raise SandboxError(f"the sandbox ended with code {process.wait()} before it was ready")
    return Sandbox(process, json.loads(line))


def _end(process: "subprocess.Popen[str]") -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
