"""Starts a process for one measurement, and adds what only its parent can see."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from typing import Any, Protocol

from benchmarks.task import Task
from benchmarks.workspace import child_environment


class Watched(Protocol):
    """A server that tells what a measurement cost it."""

    def begin(self) -> None:
        """Count from now on."""

    def figures(self) -> dict[str, Any]:
        """What has been counted since."""


class MeasurementError(RuntimeError):
    """The measured process ended without an answer, or did not do its work."""


def measure(task: Task, server: Watched, give_up_seconds: float) -> dict[str, Any]:
    """Do one measurement in a fresh process.

    Args:
        task: what to do, with an empty folder.
        server: what it is done against.
        give_up_seconds: after which the process is killed.

    Returns:
        `seconds` of the work alone, `process_seconds` from the start of the process to its end, CPU seconds,
        memory in megabytes, the server's figures and its share of all cores; or only `given_up_seconds`.

    Raises:
        MeasurementError: the process failed; the end of what it wrote is in the message.
    """
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            env=child_environment(task.target, task.host, task.token),
        )
        answer = _talk(process, json.dumps(asdict(task)), server, give_up_seconds)
        ended = time.perf_counter()
        if answer is None:
            return {"given_up_seconds": give_up_seconds}
        if process.returncode or not answer:
            complaints.seek(0)
            said = complaints.read()[-2000:]
            raise MeasurementError(f"{task.module} {task.options} ended with {process.returncode}: {said}")
    figures = {**json.loads(answer), "process_seconds": ended - started, **server.figures()}
    figures["server_share"] = (
        figures["server_cpu_seconds"] / figures["seconds"] / len(os.sched_getaffinity(0))
    )
    return figures


def _talk(process: "subprocess.Popen[str]", task: str, server: Watched, give_up_seconds: float) -> str | None:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018  pipes; tells mypy
    try:
        process.stdin.write(task + "\n")
        process.stdin.flush()
        if not process.stdout.readline():
            process.wait()
            return ""
        server.begin()
        return process.communicate("go\n", timeout=give_up_seconds)[0]
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
