"""`python -m mayo_kedro.sandbox`, the way a user starts it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mayo_kedro.sandbox.__main__ import main
from mayo_kedro.sandbox.command import describe_exports, make_environment, parse

CLIENT = """
import dagshub.auth, os
from dagshub.common.api.repo import RepoAPI
assert dagshub.auth.get_token(fail_if_no_token=True) == os.environ["DAGSHUB_USER_TOKEN"]
print(len(RepoAPI(os.environ["MAYO_KEDRO_SANDBOX"]).list_path("images")))
raise SystemExit(7)
"""


@pytest.fixture
def options(tmp_path: Path, seed: Path) -> list[str]:
    return ["--state", str(tmp_path / "state"), "--seed", str(seed)]


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def launch(*arguments: str) -> "subprocess.Popen[str]":
    # A shell's background job, such as a CI may run the tests as, ignores Ctrl-C, and so do its children.
    heedful = ["env", "--default-signal=INT"]
    command = [*heedful, sys.executable, "-m", "mayo_kedro.sandbox", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_command_finds_the_service_and_gives_the_exit_code(
    options: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*options, "--", sys.executable, "-c", CLIENT]) == 7
    shown = capfd.readouterr()
    assert shown.out.splitlines()[-1] == "8"
    assert "stands in for DagsHub" in shown.err


def test_a_command_that_a_signal_ends(options: list[str]) -> None:
    assert main([*options, "--", "sh", "-c", "kill -9 $$"]) == 128 + 9


def test_a_command_that_is_not_there(options: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main([*options, "--", "no-such-command"]) == 127
    assert "Cannot run no-such-command" in capfd.readouterr().err


def test_without_a_command_it_says_what_to_export_until_interrupted(options: list[str]) -> None:
    service = launch(*options, "--latency-ms", "1", "--mbit-per-s", "1000")
    assert service.stdout is not None
    lines = [service.stdout.readline()]
    while not lines[-1].startswith("export AZUREML_ARM_WORKSPACE_NAME="):
        lines.append(service.stdout.readline())
    assert lines[0].startswith("Sandbox: http://127.0.0.1:")
    exported = [line.split("=")[0] for line in lines[1:]]
    assert {"export DAGSHUB_CLIENT_HOST", "export DAGSHUB_USER_TOKEN"} < set(exported)
    assert {"export ARM_CLOUD_METADATA_URL", "export AZUREML_SERVICE_PRINCIPAL_PASSWORD"} < set(exported)
    assert all(line.startswith("export ") for line in lines[1:])
    service.send_signal(signal.SIGINT)
    out, err = service.communicate(timeout=120)
    assert (service.returncode, out) == (0, "")
    assert "Traceback" not in err


def test_sigterm_ends_the_command_too(options: list[str]) -> None:
    waiting = "import time; print('waiting', flush=True); time.sleep(300)"
    service = launch(*options, "--", sys.executable, "-c", waiting)
    assert service.stdout is not None
    assert service.stdout.readline() == "waiting\n"
    service.terminate()
    _, err = service.communicate(timeout=120)  # which waits until the command has closed its output as well
    assert service.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in err


def test_ctrl_c_leaves_the_end_to_the_command(options: list[str]) -> None:
    patient = """
import signal, time
signal.signal(signal.SIGINT, lambda *_: exit(3))
print("waiting", flush=True)
time.sleep(300)
"""
    command = [sys.executable, "-m", "mayo_kedro.sandbox", *options, "--", sys.executable, "-c", patient]
    service = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert service.stdout is not None
    assert service.stdout.readline() == "waiting\n"
    os.killpg(service.pid, signal.SIGINT)
    _, err = service.communicate(timeout=120)
    assert service.returncode == 3
    assert "Traceback" not in err


def test_the_state_is_named_after_the_seed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert parse([])[0].state == Path(".sandbox", "sample")
    assert parse(["--seed", str(tmp_path / "mine")])[0].state == Path(".sandbox", "mine")
    assert parse(["--name", "x", "--", "ls", "--", "-l"])[1] == ["ls", "--", "-l"]


def test_buckets_may_be_given_more_than_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [f"--bucket=s3/slides={tmp_path}", "--bucket", f"gs/a={tmp_path}"]
    assert [bucket.place for bucket in parse(given)[0].bucket] == ["s3/slides", "gs/a"]
    assert parse([])[0].bucket == []
    with pytest.raises(SystemExit):
        parse(["--bucket", f"ftp/slides={tmp_path}"])
    assert "'ftp/slides' is not PROTOCOL/NAME" in capsys.readouterr().err


def test_no_proxy_stands_between() -> None:
    environment = make_environment({"A": "b"}, {"no_proxy": "example.org", "PATH": "/bin"})
    assert environment == {
        "A": "b",
        "PATH": "/bin",
        "no_proxy": "example.org,127.0.0.1",
        "NO_PROXY": "127.0.0.1",
    }
    assert describe_exports({"A": "b c"}) == "export A='b c'\n"
