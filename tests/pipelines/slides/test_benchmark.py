"""Does the benchmark of the slides work? Its numbers are of no worth here."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.slides import main
from benchmarks.whole_slides.estimate import Cluster, estimate
from benchmarks.whole_slides.report import write_page

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.slow
def test_measures_and_writes_a_page(tmp_path):
    command = [sys.executable, "-m", "benchmarks.slides", "--tiny", "--measure", "throughput", "waiting"]
    command += ["--output", str(tmp_path / "results"), "--workspace", str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    page = (tmp_path / "results" / "slides.md").read_text()
    assert "| streamed | 2 |" in page
    assert "| 2 |" in page.partition("## Work that only waits")[2]
    assert {path.suffix for path in (tmp_path / "results").iterdir()} == {".md", ".json", ".png"}
    assert [path.name for path in tmp_path.iterdir()] == ["results"]


def test_tiny_numbers_do_not_take_the_place_of_the_results(capsys):
    with pytest.raises(SystemExit):
        main(["--tiny"])
    assert "--output" in capsys.readouterr().err


def test_shares_are_of_the_smaller_of_link_and_local_speed(tmp_path):
    def row(place, workers, speed):
        numbers = {"slides": 3, "seconds": 1 / speed, "gigabytes": 1.0, "gigabytes_per_second": speed}
        told = {"place": place, "workers": workers, "left_megabytes": 0.01}
        return {**told, **numbers, "peak_megabytes": 1.0, "spread": 1.0}

    rows = [row("local", 1, 0.1), row("streamed", 1, 0.09), row("local", 2, 0.25), row("streamed", 2, 0.1)]
    machine = {"cores": 2, "processor": "x", "load_before": 0.0, "python": "3", "project": "y"}
    waiting = [{"workers": 32, "seconds": 10.0, "least_seconds": 9.5}]
    results = {"throughput": rows, "waiting": waiting}
    write_page(
        results, "three slides", machine, Cluster(machines=2, price_per_hour=1.0), tmp_path / "page.md"
    )
    page = (tmp_path / "page.md").read_text()
    shares = [line.split("|")[5].strip() for line in page.splitlines() if line.startswith("| streamed |")]
    assert shares == ["90%", "80%"]
    assert "| from one worker to two, local | 1.8 times | 2.50 times | yes |" in page
    assert "| from one worker to two, streamed | 1.8 times, or the line's end | 1.11 times | **no** |" in page
    assert "| 32 workers that wait | 90 % of linear | 95% | yes |" in page
    assert "All 395 GB on 2 Standard_F16s_v2: about 26 min, 0.88 USD" in page


def test_all_slides_take_as_long_as_the_slower_of_cores_and_network():
    throughput = [{"place": "streamed", "workers": 1, "gigabytes_per_second": 0.01}]
    waiting = [{"workers": 32, "seconds": 2.0, "least_seconds": 1.0}]
    slow = estimate(throughput, waiting, Cluster(cores=10, machines=1, price_per_hour=2.0))
    assert slow.limit == "cores"
    assert slow.gigabytes_per_second == pytest.approx(0.05)
    assert slow.hours == pytest.approx(395 / 0.05 / 3600)
    assert slow.cost == pytest.approx(2 * slow.hours)
    assert estimate(throughput, waiting, Cluster(cores=1000)).limit == "network"
