"""Does the benchmark of the slides work? Its numbers are of no worth here."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.slides import main
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
        numbers = {"seconds": 1 / speed, "gigabytes": 1.0, "gigabytes_per_second": speed}
        return {"place": place, "workers": workers, **numbers, "peak_megabytes": 1.0, "spread": 1.0}

    rows = [row("local", 1, 0.1), row("streamed", 1, 0.09), row("local", 2, 0.25), row("streamed", 2, 0.1)]
    machine = {"cores": 2, "processor": "x", "load_before": 0.0, "python": "3", "project": "y"}
    write_page({"throughput": rows}, "three slides", machine, tmp_path / "page.md")
    page = (tmp_path / "page.md").read_text()
    shares = [line.split("|")[5].strip() for line in page.splitlines() if line.startswith("| streamed")]
    assert shares == ["90%", "80%"]
    assert "2.50 times as fast locally" in page
