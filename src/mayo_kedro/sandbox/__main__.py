"""`python -m mayo_kedro.sandbox`: see `--help`."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from types import FrameType

from mayo_kedro.sandbox.command import describe_exports, make_environment, parse, read_exports
from mayo_kedro.sandbox.link import Shape
from mayo_kedro.sandbox.repository import Repository
from mayo_kedro.sandbox.seeding import Seeding
from mayo_kedro.sandbox.server import Server, listen
from mayo_kedro.sandbox.service import open_state
from mayo_kedro.sandbox.sources import FolderSource, SampleSource, SlidesSource, Source

__all__ = ["main"]

INTERRUPTED = 130
LOOK_AFTER_S = 1.0


def main(arguments: Sequence[str]) -> int:
    """Serve until there is a reason to stop; returns the exit code."""
    options, command = parse(arguments)
    signal.signal(signal.SIGTERM, _leave)
    service = open_state(options.state, login=options.owner, ranges=options.ranges, buckets=options.bucket)
    repository = service.repository(options.owner, options.name)
    drawn: Source = SlidesSource() if options.slides else SampleSource()
    source = FolderSource(options.seed) if options.seed else drawn
    bytes_per_s = options.mbit_per_s * 125_000 if options.mbit_per_s else None
    try:
        listening = listen(options.port, options.state / "port")
    except OSError as problem:
        _say(f"Cannot listen on port {options.port}: {problem.strerror}. Choose another one with --port.")
        return 1
    with contextlib.ExitStack() as running:
        server = Server(service, listening, Shape(options.latency_ms / 1000, bytes_per_s))
        running.enter_context(server)
        Seeding(repository, server.host, _say).seed(source)
        exports = read_exports(server.host, service.token, f"{options.owner}/{options.name}")
        azure = {} if options.attached and not options.with_azure else _start_azure(running, options)
        return _wait(options, command, exports, azure, repository)


def _start_azure(running: contextlib.ExitStack, options: Namespace) -> dict[str, str]:
    """Start the stand-in for Azure ML as well; the variables by which its clients find it."""
    from mayo_kedro.sandbox.azure.start import serve  # noqa: PLC0415  most starts do not need it

    return running.enter_context(serve(options.state / "azure", dict(options.azure)))


def _wait(
    options: Namespace,
    command: Sequence[str],
    exports: Mapping[str, str],
    azure: Mapping[str, str],
    repository: Repository,
) -> int:
    notice = _describe(options, exports, azure)
    if options.attached:
        ready = {
            "host": exports["DAGSHUB_CLIENT_HOST"],
            "token": exports["DAGSHUB_USER_TOKEN"],
            "azure": azure,
        }
        names = {"owner": repository.owner, "name": repository.name, "branch": repository.default_branch}
        sys.stdout.write(json.dumps({**ready, **names, "notice": notice}) + "\n")
        sys.stdout.flush()
        return _wait_for_parent(options.attached)
    if command:
        _say(notice)
        return _run(command, make_environment({**exports, **azure}))
    return _wait_for_interrupt(f"{notice}\n{describe_exports({**exports, **azure})}")


def _describe(options: Namespace, exports: Mapping[str, str], azure: Mapping[str, str]) -> str:
    content = f"a copy of {options.seed}" if options.seed else "a synthetic sample, not patient data"
    place = f"{exports['DAGSHUB_CLIENT_HOST']}/{exports['MAYO_KEDRO_SANDBOX']}"
    notice = f"Sandbox: {place} holds {content}; it stands in for DagsHub, on this machine only."
    if not azure:
        return notice
    workspace = azure["AZUREML_ARM_WORKSPACE_NAME"]
    return f"{notice} Workspace {workspace} stands in for Azure ML: what is sent to it runs on this machine."


def _wait_for_parent(parent: int) -> int:
    """Wait until stdin closes, or its holder's death is seen otherwise: a forked worker may keep it open."""
    while os.getppid() == parent:
        readable, _, _ = select.select([sys.stdin], [], [], LOOK_AFTER_S)
        if readable and not os.read(sys.stdin.fileno(), 1):
            break
    return 0


def _wait_for_interrupt(text: str) -> int:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
        while True:
            signal.pause()
    except KeyboardInterrupt:
        return 0


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as problem:
        _say(f"Cannot run {command[0]}: {problem.strerror}.")
        return 127
    try:
        code = _wait_patiently(process)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    return code if code >= 0 else 128 - code


def _wait_patiently(process: "subprocess.Popen[bytes]") -> int:
    """Ctrl-C reaches the command as well: it ends in its own way, or is made to at the second Ctrl-C."""
    try:
        return process.wait()
    except KeyboardInterrupt:
        return process.wait()


def _leave(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
