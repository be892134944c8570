"""The benchmarks' harness on a tiny setting: it must measure, whatever the numbers are."""

import importlib.util
import io
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

from benchmarks.goals import judge
from benchmarks.nginx import find_nginx
from benchmarks.process import MeasurementError, measure
from benchmarks.repositories import Repositories, make_images
from benchmarks.results import Results
from benchmarks.settings import FULL, LINKS, Load
from benchmarks.task import Task, file_id, spread_rows
from benchmarks.turns import Patience, Record, take_turns
from mayo_kedro.sandbox.process import start

ROOT = Path(__file__).resolve().parents[1]


def run(module: str, output: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a benchmark on a tiny setting, its workspace beside its output."""
    workspace = output / "workspace"
    workspace.mkdir(parents=True)
    options = ["--tiny", "--repeats", "1", "--output", str(output), "--workspace", str(workspace)]
    return subprocess.run(
        [sys.executable, "-m", f"benchmarks.{module}", *options, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_downloads_side_by_side(tmp_path: Path) -> None:
    done = run("streaming", tmp_path, "--measure", "download", "--links", "near", "--loads", "small")
    assert done.returncode == 0, done.stderr
    records = json.loads((tmp_path / "streaming.json").read_text())["download"]["records"]
    ways = ["ours", "aiohttp", "fsspec", "dvc-pull", "dvc-filesystem", "stock-threads", "stock"]
    assert [record["way"] for record in records] == ways
    for record in records:
        assert record["bytes"] >= record["size"]  # it came from the service, not from the rehearsal
        assert record["requests"] >= record["files"]
        assert record["process_seconds"] > record["seconds"] > 0
        assert record["peak_megabytes"] >= record["idle_megabytes"] > 0
    table = (tmp_path / "streaming.md").read_text()
    assert "### 5 ms, 10 Gbit/s: 40 files of 1 kB" in table
    assert table.count("| dvc pull -j 16 |") == 1
    with Image.open(tmp_path / "streaming.png") as plot:
        assert plot.width == 1600
    assert list((tmp_path / "workspace").iterdir()) == []


@pytest.mark.slow
def test_small_files_in_shards(tmp_path: Path) -> None:
    done = run("streaming", tmp_path, "--measure", "shards", "--links", "near")
    assert done.returncode == 0, done.stderr
    records = json.loads((tmp_path / "streaming.json").read_text())["shards"]["records"]
    requests = {record["way"]: record["requests"] for record in records}
    assert list(requests) == ["files", "shards of 8 MB", "shards of 64 MB"]
    assert requests["shards of 64 MB"] < requests["files"]
    assert "### 5 ms, 10 Gbit/s: 40 files of 1 kB" in (tmp_path / "streaming.md").read_text()


def test_what_is_not_measured_again_keeps_its_results(tmp_path: Path) -> None:
    kept = {"machine": {"project": "before", "cores": 1, "processor": "", "system": "", "python": ""}}
    kept["machine"] |= {"workspace": "", "load_before": 0.0, "versions": {}}
    (tmp_path / "streaming.json").write_text(json.dumps({"training": {**kept, "records": []}}))
    done = run("streaming", tmp_path, "--measure", "growth", "--links", "far")
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "streaming.json").read_text())
    assert content["training"]["machine"]["project"] == "before"
    rows = {record["rows"]: record for record in content["growth"]["records"]}
    assert set(rows) == {20, 2_000}
    assert rows[2_000]["fetching"]["files"] == 20
    assert rows[2_000]["cached"]["files"] == 2_000


@pytest.mark.slow
def test_image_pipelines(tmp_path: Path) -> None:
    done = run("streaming", tmp_path, "--measure", "training", "--links", "near")
    assert done.returncode == 0, done.stderr
    records = json.loads((tmp_path / "streaming.json").read_text())["training"]["records"]
    assert {(record["way"], record["step_seconds"]) for record in records} == {
        (way, step) for way in ("ours", "local") for step in (0.0, 0.112)
    }
    for record in records:
        assert [epoch["images"] for epoch in record["epochs"]] == [48, 48]
        assert all(0 <= epoch["utilisation"] <= 1 for epoch in record["epochs"])


@pytest.mark.skipif(find_nginx() is None, reason="There is no nginx.")
def test_http_clients(tmp_path: Path) -> None:
    done = run("transport", tmp_path)
    assert done.returncode == 0, done.stderr
    records = json.loads((tmp_path / "transport.json").read_text())["records"]
    assert all("seconds" in record for record in records), records
    clients = [name for name in ("pyreqwest", "urllib3", "aiohttp") if importlib.util.find_spec(name)]
    assert {record["way"] for record in records} >= set(clients)
    assert {record["scheme"] for record in records} == {"http", "https"}


def test_tiny_numbers_never_take_the_place_of_results() -> None:
    command = [sys.executable, "-m", "benchmarks.streaming", "--tiny"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--output" in done.stderr


def test_a_repository_of_many_names_and_few_contents(tmp_path: Path) -> None:
    (tmp_path / "seed" / "pretrained_efficientnet").mkdir(parents=True)
    (tmp_path / "seed" / "pretrained_efficientnet" / "none.h5").write_bytes(b"none")
    repositories = Repositories(tmp_path / "state")
    with start(tmp_path / "state", seed=tmp_path / "seed", repository="sandbox/seed") as sandbox:
        contents = repositories.add_random(Load(files=4, file_bytes=10))
        made = repositories.make("many", contents, rows=1_000)
        filesystem = open_filesystem(sandbox.host, sandbox.token, tmp_path / "cache")
        folder = f"/{made.name}@main/images"
        assert len(filesystem.ls(folder, detail=False)) == 1_000
        bodies = [filesystem.cat_file(f"{folder}/{file_id(row)}.bin") for row in spread_rows(1_000, 4)]
    assert bodies == [contents.path(number).read_bytes() for number in range(4)]
    assert len(set(bodies)) == 4


def open_filesystem(host: str, token: str, cache: Path) -> "object":
    options = {"host": host, "token": token, "cache_folder": os.fspath(cache), "skip_instance_cache": True}
    return fsspec.filesystem("dagshub", **options)


def test_images_differ_as_files_and_decode() -> None:
    files = list(make_images(20))
    assert len(set(files)) == 20
    decoded = [np.asarray(Image.open(io.BytesIO(file))) for file in files]
    assert {image.shape for image in decoded} == {(512, 512, 3)}
    assert np.array_equal(decoded[0], decoded[16])  # one texture, two files


def test_what_is_slow_or_fails_is_not_repeated() -> None:
    def measure_once(way: str) -> Record:
        if way == "broken":
            raise MeasurementError("it broke")
        return {"quick": {"seconds": 1.0}, "slow": {"seconds": 31.0}, "hanging": {"given_up_seconds": 9.0}}[
            way
        ]

    ways = ["quick", "slow", "broken", "hanging"]
    records = list(take_turns(ways, measure_once, Patience(3, once_seconds=30, give_up_seconds=9)))
    assert [record["way"] for record in records] == [*ways, "quick", "quick"]
    assert records[2]["failed"] == "it broke"
    near_limit = list(take_turns(["slow"], measure_once, Patience(3, 30, 9), limit_seconds=25))
    assert len(near_limit) == 3


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    class Nothing:
        def begin(self) -> None: ...

        def figures(self) -> Record:
            return {"server_cpu_seconds": 0.0}

    task = Task("ways.aiohttp_loop", "http://127.0.0.1:1", str(tmp_path), repository="no/one", rows=1)
    with pytest.raises(MeasurementError, match="Cannot connect"):
        measure(task, Nothing(), 60)


def download(way: str, seconds: float) -> Record:
    load, limit = FULL.loads["medium"], LINKS["far"].seconds_for(FULL.loads["medium"].size)
    setting = {
        "link": "far",
        "load": "medium",
        "files": load.files,
        "size": load.size,
        "limit_seconds": limit,
    }
    return {**setting, "way": way, "seconds": seconds, "process_seconds": seconds + 0.5}


def test_goals() -> None:
    # 100 MB at 1 Gbit/s and two round trips of 50 ms: 0.9 s
    seconds = {"ours": 1.0, "aiohttp": 0.9, "stock": 15.5, "dvc-pull": 3.5}
    goals = judge({"download": Results(download(way, took) for way, took in seconds.items())})
    assert [(round(goal.measured, 3), goal.met) for goal in goals] == [
        (1.111, True),  # over the limit
        (1.111, False),  # over aiohttp
        (15.5, True),  # over the dagshub client
        (4.0, True),  # over dvc's whole command
        (3.5, False),  # over its work
    ]


def test_what_was_not_measured_is_no_goal() -> None:
    goals = judge({"download": Results([download("ours", 1.0)])})
    assert [round(goal.measured, 3) for goal in goals] == [1.111]


def test_results_are_medians_over_what_was_measured() -> None:
    results = Results([download("ours", 1.0), download("ours", 5.0), download("ours", 2.0)])
    spread = results.spread("seconds")
    assert spread is not None
    assert (spread.median, spread.least, spread.most, spread.count) == (2.0, 1.0, 5.0, 3)
    assert results.where(way="stock").spread("seconds") is None
    assert math.isnan(results.where(way="stock").median("seconds"))


@pytest.mark.slow
def test_networks_cost_more_the_more_of_them_is_trained(tmp_path: Path) -> None:
    options = ["--networks", "EfficientNetLite0", "--steps", "1", "--output", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "benchmarks.networks", *options], cwd=ROOT, check=True)
    rows = json.loads((tmp_path / "networks.json").read_text())["rows"]
    assert [row["trained"] for row in rows] == ["head", "last 2 stages", "all of it"]
    assert rows[0]["peak_megabytes"] < rows[2]["peak_megabytes"]
    # 407 million multiplications and as many additions at 224 px, say those who published it
    published = pytest.approx(2 * 0.407 * (192 / 224) ** 2, rel=0.05)
    assert [row["gigaflop_per_image"] for row in rows] == [published] * 3
    assert (tmp_path / "networks.md").read_text().count("| EfficientNetLite0, 192 px |") == 4
