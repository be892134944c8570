"""The parts that need no client: nodes, tokens, certificates, knobs, the way runs are numbered."""

import http.client
import ssl
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.sandbox.azure.blobs import find_inside
from mayo_kedro.sandbox.azure.certificates import make_certificates
from mayo_kedro.sandbox.azure.computes import Cluster, parse_seconds
from mayo_kedro.sandbox.azure.handle import AzureSandbox
from mayo_kedro.sandbox.azure.knobs import KNOBS, Knobs, convert
from mayo_kedro.sandbox.azure.processes import read_command
from mayo_kedro.sandbox.azure.records import Records
from mayo_kedro.sandbox.azure.runs import Runs
from mayo_kedro.sandbox.azure.tokens import TokenRefused, Tokens
from mayo_kedro.sandbox.azure.workspace import open_workspace


def make_cluster(nodes: int, idle: str = "PT120S", least: int = 0) -> Cluster:
    settings = {"minNodeCount": least, "maxNodeCount": nodes, "nodeIdleTimeBeforeScaleDown": idle}
    return Cluster({"scaleSettings": settings})


def count(cluster: Cluster) -> tuple[int, int]:
    counts = cluster.describe_nodes()["nodeStateCounts"]
    return counts["runningNodeCount"], counts["idleNodeCount"]


def test_nodes_go_up_and_down() -> None:
    cluster = make_cluster(3)
    assert cluster.acquire(2, lambda: False)
    assert count(cluster) == (2, 0)
    cluster.release(2)
    assert count(cluster) == (0, 2)
    assert cluster.acquire(3, lambda: False)
    assert count(cluster) == (3, 0)
    assert count(make_cluster(3, least=2)) == (0, 2)


def test_idle_nodes_end_after_their_time() -> None:
    cluster = make_cluster(1, "PT0S")
    cluster.acquire(1, lambda: False)
    cluster.release(1)
    assert count(cluster) == (0, 0)


def test_who_comes_first_is_served_first_and_who_gives_up_is_passed_over() -> None:
    cluster = make_cluster(2)
    cluster.acquire(1, lambda: False)
    served: list[str] = []
    given_up = threading.Event()

    def wait(name: str, nodes: int) -> None:
        if cluster.acquire(nodes, given_up.is_set if name == "large" else lambda: False):
            served.append(name)

    large = threading.Thread(target=wait, args=("large", 2))
    large.start()
    while not cluster._waiting:
        pass
    small = threading.Thread(target=wait, args=("small", 1))
    small.start()
    small.join(0.3)
    assert served == []  # there is a node for it, but it is not its turn
    given_up.set()
    small.join(10)
    large.join(10)
    assert served == ["small"]


@settings(deadline=None)
@given(
    days=st.integers(0, 9), hours=st.integers(0, 23), minutes=st.integers(0, 59), seconds=st.integers(0, 59)
)
def test_durations(days: int, hours: int, minutes: int, seconds: int) -> None:
    text = f"P{days}DT{hours}H{minutes}M{seconds}S"
    assert parse_seconds(text) == ((days * 24 + hours) * 60 + minutes) * 60 + seconds


@pytest.mark.parametrize("text", ["", "PT", "120", "P1Y", "PT-1S"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        parse_seconds(text)


def test_tokens_open_until_they_expire() -> None:
    tokens = Tokens("tenant")
    first = tokens.issue("audience", "me")
    tokens.check(first)
    tokens.expire(1)
    tokens.check(first)
    with pytest.raises(TokenRefused, match="expired"):
        tokens.check(first)
    second = tokens.issue("audience", "me")
    tokens.check(second)
    tokens.expire()
    with pytest.raises(TokenRefused):
        tokens.check(second)
    with pytest.raises(ValueError, match="before now"):
        tokens.expire(-1)


def test_tokens_of_others_and_old_ones_do_not_open() -> None:
    tokens = Tokens("tenant")
    for token in ("", "no.token", Tokens("tenant").issue("audience", "me")):
        with pytest.raises(TokenRefused):
            tokens.check(token)
    tokens.run_lifetime_s = -1
    token, _ = tokens.issue_for_run("one")
    with pytest.raises(TokenRefused):
        tokens.check(token)
    assert tokens.read(token, expired=True)["runId"] == "one"


def test_the_certificate_is_trusted_by_its_own_roots_only(azure: AzureSandbox) -> None:
    host, port = azure.host.removeprefix("https://").split(":")

    def ask(roots: str) -> int:
        trusting = ssl.create_default_context(cadata=roots)
        trusting.verify_flags |= ssl.VERIFY_X509_STRICT
        connection = http.client.HTTPSConnection(host, int(port), context=trusting, timeout=10)
        connection.request("GET", "/metadata/endpoints")
        return connection.getresponse().status

    assert ask(Path(azure.variables["SSL_CERT_FILE"]).read_text()) == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(make_certificates().roots.decode())


def test_roots_hold_no_key() -> None:
    assert b"PRIVATE KEY" not in make_certificates().roots


@pytest.mark.parametrize("name", KNOBS)
def test_each_knob_takes_its_type_and_nothing_else(name: str, azure: AzureSandbox) -> None:
    kind = KNOBS[name][0]
    assert isinstance(convert(name, "1"), kind)
    if kind is not str:
        for wrong in ("x", "-1"):
            with pytest.raises(ValueError, match=name):
                azure.set(**{name: wrong})


def test_unknown_knobs_and_faults_are_refused(azure: AzureSandbox) -> None:
    with pytest.raises(ValueError, match="there is no knob speed"):
        azure.set(speed=1)
    with pytest.raises(ValueError, match="STATUS"):
        azure.set(refuse_submissions="always")
    with pytest.raises(ValueError, match="kind is 'odd'"):
        azure.fault("*", "odd")


def test_a_number_of_times_is_used_up() -> None:
    knobs = Knobs(preemptions=2)
    assert [knobs.use("preemptions") for _ in range(3)] == [True, True, False]


def test_a_path_stays_in_its_folder(tmp_path: Path) -> None:
    assert find_inside(tmp_path, "a/b.txt") == tmp_path / "a" / "b.txt"
    for path in ("", "../x", "a/../../x", "/etc/passwd", "a//b", "."):
        with pytest.raises(ValueError, match="cannot be the path"):
            find_inside(tmp_path, path)


def test_credentials_stay_the_same_and_are_not_for_others_to_read(tmp_path: Path) -> None:
    first = open_workspace(tmp_path)
    assert open_workspace(tmp_path) == first
    assert open_workspace(tmp_path, "own", "group", "name").scope.split("/")[2::2] == [
        "own",
        "group",
        "Microsoft.MachineLearningServices",
        "name",
    ]
    assert (tmp_path / "workspace.json").stat().st_mode & 0o077 == 0
    assert open_workspace(tmp_path / "other").identity != first.identity


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"nodeCount": 2, "command": "x"}, "TensorflowConfiguration"),
        ({"nodeCount": 2, "framework": "TensorFlow", "tensorflow": {"workerCount": 3}, "command": "x"}, "3"),
        ({"nodeCount": 1}, "neither command nor script"),
    ],
)
def test_definitions_that_are_not_rehearsed(definition: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_command(definition)


def test_a_script_is_run_with_its_arguments() -> None:
    command = read_command(
        {
            "script": "main.py",
            "arguments": ["--size", 3],
            "environment": {"environmentVariables": {"A": "1", "B": "1"}},
            "environmentVariables": {"B": 2},
        }
    )
    assert command.arguments == ["python", "main.py", "--size", "3"]
    assert command.variables == {"A": "1", "B": "2"}


def test_a_run_that_has_ended_stays_ended(tmp_path: Path) -> None:
    runs = Runs(Records(tmp_path / "experiments"), Records(tmp_path / "runs"), lambda *_: {})
    runs.make("tries", "one")
    for status in ("Running", "Completed", "Canceled"):
        runs.set_status("one", status)
    run = runs.find("one")
    assert run is not None
    assert run["status"] == "Completed"
    runs.change("one", {"properties": {"a": "1"}, "tags": {"t": "1"}})
    runs.change("one", {"properties": {"a": "2"}, "tags": {"t": "2"}})
    assert (run["properties"], run["tags"]) == ({"a": "1"}, {"t": "2"})
