"""Logs and files come from a storage that cuts, ignores ranges and lets addresses expire."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.runners.azure import blobs
from mayo_kedro.runners.azure.blobs import AddressExpiredError, BlobError, download, read_from
from mayo_kedro.runners.azure.logs import Logs, choose_log


@dataclass
class Storage:
    """A blob storage with one file, on loopback.

    Attributes:
        content: of the file.
        ranges: whether it answers ranges, or always sends everything.
        most: bytes an answer has before the connection is cut; None for no cut.
        valid: the signature that it accepts.
        asked: the ranges it was asked for.
    """

    content: bytes = b""
    ranges: bool = True
    most: int | None = None
    valid: str = "1"
    port: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}/file?sig={self.valid}"


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[ThreadingHTTPServer, list[Storage]]]:
    current: list[Storage] = [Storage()]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self):
            storage = current[0]
            storage.asked.append(self.headers["Range"])
            if not self.path.endswith(f"sig={storage.valid}"):
                return self.answer(403, b"")
            first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
            size = len(storage.content)
            if not storage.ranges:
                return self.answer(200, storage.content)
            if int(first) >= size:
                return self.answer(416, b"", f"bytes */{size}")
            body = storage.content[int(first) : int(last) + 1 if last else size]
            return self.answer(206, body, f"bytes {first}-{int(first) + len(body) - 1}/{size}")

        def answer(self, status, body, content_range=None):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if content_range:
                self.send_header("Content-Range", content_range)
            self.end_headers()
            most = current[0].most
            self.wfile.write(body[:most])
            if most is not None and most < len(body):
                self.close_connection = True

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server, current
    server.shutdown()
    server.server_close()


@pytest.fixture
def storage(server) -> Storage:
    running, current = server
    current[0] = Storage(port=running.server_address[1])
    return current[0]


@pytest.fixture(scope="module")
def session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    return session


def addresses(storage: Storage):
    return lambda: {"user_logs/std_log.txt": storage.address}


@pytest.mark.parametrize("ranges", [True, False])
def test_a_log_that_grows_is_read_once(storage, session, ranges):
    storage.ranges = ranges
    logs, got = Logs(session), b""
    for more in (b"", b"first line\nsec", b"", b"ond\n", b"third\n"):
        storage.content += more
        part = logs.read("a", len(got), got[:8], addresses(storage))
        assert not part.restarted
        got += part.content
    assert got == b"first line\nsecond\nthird\n"


@settings(max_examples=40, deadline=None)
@given(old=st.binary(min_size=1, max_size=40), new=st.binary(max_size=60))
def test_a_log_that_began_anew_comes_from_its_first_byte(server, session, old, new):
    running, current = server
    storage = current[0] = Storage(content=old, port=running.server_address[1])
    logs = Logs(session)
    assert logs.read("a", 0, b"", addresses(storage)).content == old
    storage.content = new
    part = logs.read("a", len(old), old, addresses(storage))
    if new.startswith(old):
        assert (part.restarted, part.content) == (False, new[len(old) :])
    else:
        assert (part.restarted, part.content) == (True, new)


def test_a_shorter_log_is_a_new_one_without_looking_at_its_start(storage, session):
    storage.content = b"same start, long"
    logs = Logs(session)
    logs.read("a", 0, b"", addresses(storage))
    storage.content = b"same start"
    part = logs.read("a", 16, b"", addresses(storage))
    assert part.restarted
    assert part.content == b"same start"


def test_an_expired_address_is_asked_for_again(storage, session):
    storage.content = b"log"
    logs = Logs(session)
    logs.read("a", 0, b"", addresses(storage))
    storage.valid = "2"
    storage.content = b"log and more"
    assert logs.read("a", 3, b"log", addresses(storage)).content == b" and more"


def test_without_a_log_there_is_nothing_new(session):
    assert Logs(session).read("a", 0, b"", dict).content == b""


@pytest.mark.parametrize(
    ("paths", "chosen"),
    [
        ([], None),
        (["system_logs/lifecycler/execution.log", "user_logs/std_log.txt"], "user_logs/std_log.txt"),
        ([f"user_logs/std_log_process_{rank}.txt" for rank in (1, 0)], "user_logs/std_log_process_0.txt"),
        (
            [f"user_logs/std_log_process_{rank:02}.txt" for rank in (10, 2, 0)],
            "user_logs/std_log_process_00.txt",
        ),
        (
            ["azureml-logs/70_driver_log.txt", "azureml-logs/20_image_build_log.txt"],
            "azureml-logs/70_driver_log.txt",
        ),
        (
            ["azureml-logs/70_driver_log_worker_1.txt", "azureml-logs/70_driver_log_worker_0.txt"],
            "azureml-logs/70_driver_log_worker_0.txt",
        ),
    ],
)
def test_of_several_machines_the_chief_is_read(paths, chosen):
    assert choose_log(paths) == chosen


@pytest.mark.parametrize("size", [0, 1, 3 * 1024 * 1024 + 7])
def test_a_file_arrives_whole(storage, session, tmp_path, size):
    storage.content = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    download(session, lambda: storage.address, tmp_path / "new" / "model.keras")
    assert (tmp_path / "new" / "model.keras").read_bytes() == storage.content
    assert list((tmp_path / "new").iterdir()) == [tmp_path / "new" / "model.keras"]


def test_a_cut_download_goes_on_where_it_was(storage, session, tmp_path):
    storage.content = b"0123456789" * 1000
    storage.most = 2500
    download(session, lambda: storage.address, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == storage.content
    assert storage.asked == ["bytes=0-", "bytes=2500-", "bytes=5000-", "bytes=7500-"]


def test_a_storage_that_ignores_ranges_is_read_from_its_start(storage, session):
    storage.content, storage.ranges = b"0123456789", False
    assert read_from(session, storage.address, 4) == (b"456789", 10)


def test_an_address_that_expires_on_the_way_is_asked_for_again(storage, session, tmp_path):
    storage.content = b"0123456789"
    stale = f"http://127.0.0.1:{storage.port}/file?sig=old"
    given_out = iter([stale, storage.address])
    download(session, lambda: next(given_out), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == storage.content


def test_a_failed_download_leaves_nothing(storage, session, tmp_path, monkeypatch):
    monkeypatch.setattr(blobs, "ATTEMPTS_WITHOUT_PROGRESS", 2)
    (tmp_path / "file").write_bytes(b"old")
    storage.content, storage.most = b"0123456789", 0
    with pytest.raises(BlobError) as caught:
        download(session, lambda: storage.address, tmp_path / "file")
    assert "sig=" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_broken_connection_does_not_quote_the_address(session):
    with pytest.raises(BlobError) as caught:
        read_from(session, "http://127.0.0.1:9/file?sig=hunter2", 0)
    assert "hunter2" not in str(caught.value)


def test_a_refused_address_is_told_apart(storage, session):
    with pytest.raises(AddressExpiredError):
        read_from(session, storage.address + "x", 0)
