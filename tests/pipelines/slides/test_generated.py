"""Are the generated slides like the competition's?"""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from mayo_kedro.sandbox.command import parse
from mayo_kedro.sandbox.slides import draw_slides, write_slide

PATIENTS = 24


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    draw_slides(folder, patients=PATIENTS, longest_sides=(600, 900))
    return folder


@pytest.fixture(scope="module")
def headers(drawn):
    return [tifffile.TiffFile(path) for path in sorted((drawn / "slides").iterdir())]


def test_container_is_the_competitions(headers):
    for tiff in headers:
        assert tiff.is_bigtiff
        assert len(tiff.pages) == 1
        page = tiff.pages[0]
        assert (page.tilewidth, page.tilelength) == (128, 128)
        assert page.compression in (8, 32946)
        assert page.shape[2:] == (3,)
        assert 600 <= max(page.shape) <= 900


def test_every_row_has_its_slide(drawn, headers):
    table = pd.read_csv(drawn / "train.csv", dtype=str)
    assert set(table.image_id) == {path.stem for path in (drawn / "slides").iterdir()}
    assert table.patient_id.nunique() == PATIENTS
    assert (drawn / "NOTICE.txt").read_text().startswith("Synthetic")
    assert sorted(path.name for path in drawn.iterdir()) == [
        "NOTICE.txt",
        "README.md",
        "slides",
        "train.csv",
    ]


def test_tissue_and_backgrounds_are_those_of_true_slides(headers):
    shares, backgrounds = [], set()
    for tiff in headers:
        pixels = tiff.pages[0].asarray()
        colours, counts = np.unique(pixels @ np.array([1 << 16, 1 << 8, 1]), return_counts=True)
        backgrounds.add(f"{colours[counts.argmax()]:06x}")
        shares.append(1 - counts.max() / counts.sum())
    assert {"ffffff", "ead8fe", "c4d3c0"} <= backgrounds
    assert 0.02 < min(shares) < 0.08
    assert 0.2 < max(shares) < 0.33


def test_has_the_size_it_is_given(tmp_path):
    drawing = np.asarray(Image.new("RGB", (37, 61), "white").convert("RGB"))
    write_slide(tmp_path / "a.tif", drawing, 1001, 773)
    assert tifffile.TiffFile(tmp_path / "a.tif").pages[0].shape == (773, 1001, 3)


def test_is_written_in_little_memory(tmp_path):
    code = (
        "import sys, numpy as np; from pathlib import Path;"
        "from mayo_kedro.sandbox.slides import write_slide;"
        "write_slide(Path(sys.argv[1]), np.full((90, 60, 3), 255, np.uint8), 9000, 18000);"
        "print(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.tif")], capture_output=True, check=True
    )
    unpacked_kilobytes = 9000 * 18000 * 3 / 1024
    assert int(ran.stdout) < 0.5 * unpacked_kilobytes


def test_the_sandbox_can_be_asked_for_them():
    options, _ = parse(["--slides"])
    assert options.slides
    assert options.state.name == "slides"
    with pytest.raises(SystemExit):
        parse(["--slides", "--seed", "."])
