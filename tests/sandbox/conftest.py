"""A service in this process, on a tiny seed: eight small PNGs, a table, a text and a file of weights."""

import contextlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagshub.common.config
import dagshub.common.download
import httpx
import pytest
from PIL import Image

from mayo_kedro.sandbox.buckets import Bucket
from mayo_kedro.sandbox.repository import Repository
from mayo_kedro.sandbox.seeding import Seeding
from mayo_kedro.sandbox.server import Server, listen
from mayo_kedro.sandbox.service import open_state
from mayo_kedro.sandbox.sources import FolderSource

OWNER, NAME = "sandbox", "clots"


@dataclass(frozen=True)
class Running:
    """A service that answers, and its repository."""

    host: str
    token: str
    repository: Repository

    @property
    def api(self) -> str:
        return f"{self.host}/api/v1/repos/{OWNER}/{NAME}"

    @property
    def tip(self) -> str:
        return self.repository.branches()["main"]

    @property
    def login(self) -> str:
        return self.host.replace("http://", f"http://{OWNER}:{self.token}@")

    def ask(self, method: str, url: str, **settings: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", **settings.pop("headers", {})}
        return httpx.request(method, url, headers=headers, trust_env=False, **settings)

    def get(self, url: str, **settings: Any) -> httpx.Response:
        return self.ask("GET", f"{self.api}/{url}", **settings)

    def admin(self, method: str, what: str, given: Any = None) -> httpx.Response:
        return httpx.request(method, f"{self.host}/_sandbox/{what}", json=given, trust_env=False)

    def counts(self) -> dict[str, Any]:
        counted: dict[str, Any] = self.admin("GET", "counts").json()
        return counted


def make_seed(folder: Path) -> Path:
    """Write the tiny seed; noise, so that the PNGs do not shrink to nothing."""
    pixels = random.Random(5)
    for part in ("images/more", "pretrained_efficientnet"):
        (folder / part).mkdir(parents=True)
    names = [f"scan_{number}" for number in range(7)] + ["more/scan_7"]
    for name in names:
        image = Image.frombytes("RGB", (24, 24), pixels.randbytes(24 * 24 * 3))
        image.save(folder / "images" / f"{name}.png")
    (folder / "train.csv").write_text("image,label\n" + "".join(f"{name},1\n" for name in names))
    (folder / "README.md").write_text("A tiny seed.\n")
    (folder / "pretrained_efficientnet" / "efficientnet_lite0.h5").write_bytes(pixels.randbytes(5000))
    (folder / ".hidden").write_text("not to be taken in")
    return folder


@contextlib.contextmanager
def serve(
    state: Path, seed: Path, *, ranges: bool = False, buckets: Sequence[Bucket] = ()
) -> Iterator[Running]:
    """A seeded service in a thread of this process."""
    service = open_state(state, login=OWNER, ranges=ranges, buckets=buckets)
    repository = service.repository(OWNER, NAME)
    with Server(service, listen(0, state / "port")) as server:
        Seeding(repository, server.host, lambda _: None).seed(FolderSource(seed))
        yield Running(server.host, service.token, repository)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_seed(tmp_path_factory.mktemp("seeds") / "tiny")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, seed: Path) -> Iterator[Running]:
    """One service for a file of tests that only read, or write to places of their own."""
    with serve(tmp_path_factory.mktemp("state"), seed) as service:
        yield service


@pytest.fixture
def fresh(tmp_path: Path, seed: Path) -> Iterator[Running]:
    """A service for one test alone."""
    with serve(tmp_path / "state", seed) as service:
        yield service


@contextlib.contextmanager
def client_set_to(running: Running) -> Iterator[Running]:
    """The real client, which reads settings at import and keeps its first downloader, set to a service."""
    host = dagshub.common.config.host
    dagshub.common.config.set_host(running.host)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dagshub.common.config, "token", running.token)
        patch.setattr(dagshub.common.config, "quiet", True)
        patch.setattr(dagshub.common.download, "_default_downloader", None)
        yield running
    dagshub.common.config.set_host(host)


@pytest.fixture
def client_host(running: Running) -> Iterator[Running]:
    """The client, set to this file's service."""
    with client_set_to(running) as service:
        yield service
