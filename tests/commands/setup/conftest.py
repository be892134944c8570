"""Another user's data set, made of the small sample, and a project that is to be set up for it."""

import shutil
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

from mayo_kedro.commands.setup.init import init
from mayo_kedro.sandbox.process import start
from tests.conftest import ROOT

PATIENTS = 24


def draw_slides(small_sample, folder):
    """Other names, JPEG, no centre, and further tables and folders in which something is amiss."""
    table = pd.read_csv(small_sample / "train.csv", dtype=str)
    table = table[table["patient_id"].isin(table["patient_id"].unique()[:PATIENTS])]
    names = {"image_id": "slide", "patient_id": "person", "label": "kind"}
    mine = table[list(names)].rename(columns=names)
    (folder / "scans").mkdir(parents=True)
    for slide in mine["slide"]:
        Image.open(small_sample / "images" / f"{slide}.png").convert("RGB").save(
            folder / "scans" / f"{slide}.jpg"
        )
    mine.to_csv(folder / "slides.csv", index=False)
    # Where there are some the sandbox does not export its own, which takes seconds.
    (folder / "pretrained_efficientnet").mkdir()
    for number in range(2):
        (folder / "pretrained_efficientnet" / f"efficientnet_lite{number}.h5").write_bytes(b"weights")
    odd = folder / "odd"
    (odd / "nothing").mkdir(parents=True)
    (odd / "nothing" / "readme.txt").write_text("no image")
    mine.to_csv(odd / "semicolons.csv", index=False, sep=";")
    mine.to_parquet(odd / "slides.parquet")
    mine.head(0).to_csv(odd / "empty.csv", index=False)
    mine.assign(slide=mine["slide"] + ".jpg").iloc[2:].to_csv(odd / "with_suffix.csv", index=False)
    mine.replace({"slide": {mine["slide"].iloc[0]: "gone"}}).to_csv(odd / "gone.csv", index=False)
    mine.assign(kind=mine["slide"]).to_csv(odd / "all_classes.csv", index=False)
    (odd / "broken.csv").write_bytes(b'a,b\n"\xff')
    (odd / "broken").mkdir()
    for slide in mine["slide"]:
        (odd / "broken" / f"{slide}.jpg").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="session")
def slides(small_sample, tmp_path_factory):
    return draw_slides(small_sample, tmp_path_factory.mktemp("own") / "slides")


@pytest.fixture(scope="session")
def slide_sandbox(slides, tmp_path_factory):
    with start(tmp_path_factory.mktemp("state"), seed=slides, repository="ann/slides") as running:
        yield running


class Public(BaseHTTPRequestHandler):
    """Passes everything on with a token: the repository is then public."""

    def do_GET(self):
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        headers["Authorization"] = f"Bearer {self.server.token}"
        try:
            answer = urlopen(Request(f"{self.server.behind}{self.path}", headers=headers))
        except HTTPError as refusal:
            answer = refusal
        with answer:
            body = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def public_host(slide_sandbox):
    """A service that asks for no token."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Public) as server:
        server.behind, server.token = slide_sandbox.host, slide_sandbox.token
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def conf(tmp_path, monkeypatch, slide_sandbox):
    """The configuration of a project, in which commands of this process are called."""
    shutil.copytree(ROOT / "conf", tmp_path / "conf", ignore=shutil.ignore_patterns("local"))
    (tmp_path / "conf" / "local").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAYO_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("DAGSHUB_CLIENT_HOST", slide_sandbox.host)
    monkeypatch.setenv("DAGSHUB_USER_TOKEN", slide_sandbox.token)
    monkeypatch.delenv("KEDRO_ENV", raising=False)
    return tmp_path / "conf"


@pytest.fixture
def call(conf):
    """Call `kedro init` without a terminal."""

    def call_it(*arguments):
        return CliRunner().invoke(init, list(arguments), terminal_width=200)

    return call_it
