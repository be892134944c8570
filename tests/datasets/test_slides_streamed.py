"""Slides from wherever they lie: right or refused, without a copy where parts can be had."""

import functools
import http.server
import os
import pickle
import shutil
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
import pyvips
from kedro.io import DatasetError

from mayo_kedro.datasets import StreamedSlidesDataset
from mayo_kedro.pipelines.slides.cutting import cut_slide
from mayo_kedro.pipelines.slides.parameters import SlidesParameters, TileParameters
from mayo_kedro.sandbox.process import start
from mayo_kedro.streaming.revisions import forget_pins

SMALL = SlidesParameters(longest_side=100)
TILES = SlidesParameters(cut="tiles", tiles=TileParameters(count=2, side=256, least_tissue=0.1))


def draw(side: int, seed: int) -> np.ndarray:
    pixels = np.full((side, side, 3), 255, np.uint8)
    generator, cell = np.random.default_rng(seed), side // 60
    cells = generator.integers(0, 150, (20, 20, 3)).repeat(cell, axis=0).repeat(cell, axis=1)
    tissue = cells + generator.integers(0, 50, cells.shape)
    pixels[20 * cell : 40 * cell, 20 * cell : 40 * cell] = tissue
    return pixels


def write(path: Path, side: int, seed: int = 0) -> None:
    image = pyvips.Image.new_from_array(draw(side, seed)).copy(interpretation="srgb")
    image.tiffsave(str(path), compression="deflate", tile=True, tile_width=128, tile_height=128, bigtiff=True)


@pytest.fixture(scope="module")
def seed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds") / "seed"
    (folder / "slides").mkdir(parents=True)
    (folder / "pretrained_efficientnet").mkdir()
    (folder / "pretrained_efficientnet" / "none.h5").write_bytes(b"none")
    write(folder / "slides" / "large.tif", 5500, 1)  # several blocks
    write(folder / "slides" / "small.tif", 700, 2)
    (folder / "slides" / "notes.txt").write_text("no slide")
    return folder


@pytest.fixture(scope="module")
def bucket(tmp_path_factory, seed):
    folder = tmp_path_factory.mktemp("buckets") / "bucket"
    shutil.copytree(seed / "slides", folder / "slides")
    return folder


@pytest.fixture(scope="module", params=[True, False], ids=["ranges", "no ranges"])
def service(request, tmp_path_factory, seed, bucket):
    forget_pins()  # the second service may get the first one's port
    state = tmp_path_factory.mktemp("state")
    with start(state, seed=seed, ranges=request.param, buckets={"s3/scans": bucket}) as running:
        running.ranges = request.param
        yield running


@pytest.fixture
def dataset(service, tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSHUB_USER_TOKEN", service.token)

    def make(folder="slides", spool_gigabytes=1.0, cache="cache"):
        return StreamedSlidesDataset(
            filepath=f"dagshub:///sandbox/clots@main/{folder}",
            pattern="*.tif",
            spool_gigabytes=spool_gigabytes,
            credentials={
                "host": service.host,
                "token": service.token,
                "cache_folder": str(tmp_path / cache),
            },
        )

    return make


@pytest.fixture
def spool(tmp_path, monkeypatch):
    """Where temporary copies go."""
    folder = tmp_path / "spool"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def local(seed):
    return StreamedSlidesDataset(filepath=str(seed / "slides"), pattern="*.tif", spool_gigabytes=0).load()


def test_lists_what_is_called_so(dataset, seed):
    slides = dataset().load()
    assert [slide.name for slide in slides] == ["large", "small"]
    assert [slide.size for slide in slides] == [
        (seed / "slides" / f"{slide.name}.tif").stat().st_size for slide in slides
    ]
    assert all(len(slide.commit) == 40 and slide.commit in slide.source for slide in slides)


@pytest.mark.parametrize("folder", ["slides", ".dagshub/storage/s3/scans/slides"])
@pytest.mark.parametrize("parameters", [SMALL, TILES], ids=["whole", "tiles"])
def test_images_are_those_of_the_local_file(dataset, seed, spool, folder, parameters):
    expected = [cut_slide(slide, parameters).images for slide in local(seed)]
    done = [cut_slide(slide, parameters) for slide in dataset(folder).load()]
    assert [one.images for one in done] == expected
    assert all(expected)
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize("folder", ["slides", ".dagshub/storage/s3/scans/slides"])
def test_a_listing_costs_a_few_requests_however_many_slides(service, dataset, folder):
    service.reset("counts")
    dataset(folder).load()
    assert service.counts()["requests"] <= 3


def test_nothing_is_kept_and_every_byte_travels_once(service, dataset, tmp_path, spool):
    [large, small] = dataset().load()
    cut_slide(small, SMALL)  # the first tells whether parts are given
    service.reset("counts")
    [row] = cut_slide(large, SMALL).rows
    kept = sum(path.stat().st_size for path in (tmp_path / "cache").rglob("*") if path.is_file())
    assert kept < 100_000
    assert row["bytes_fetched"] == large.size
    assert service.counts()["bytes"] < large.size * 1.1 + 100_000


def test_tiles_take_a_part_of_the_bytes_if_there_are_ranges(service, dataset, spool):
    [large, _] = dataset().load()
    [row, *_] = cut_slide(large, TILES).rows
    share = row["bytes_fetched"] / large.size
    assert share < 0.25 if service.ranges else share == 1


def test_a_slide_can_be_sent_to_another_process_without_the_token(service, dataset):
    [large, _] = dataset().load()
    assert service.token.encode() not in pickle.dumps(large)
    assert service.token not in repr(large)
    again = pickle.loads(pickle.dumps(large))
    assert cut_slide(again, SMALL).images == cut_slide(large, SMALL).images


def test_a_copy_larger_than_allowed_is_not_made(service, dataset, spool):
    [large, small] = dataset(spool_gigabytes=0.001).load()
    [row] = cut_slide(large, SMALL).rows
    assert cut_slide(small, SMALL).images
    if service.ranges:
        assert row["problem"] == ""
    else:
        assert "larger than the 0.00 GB allowed" in row["problem"]


def test_what_is_in_the_cache_does_not_travel_again(service, dataset, tmp_path):
    slides = dataset(cache="filled")
    filesystem, _ = slides._connect()
    [large, _] = slides.load()
    filesystem.fetch(large.source)
    service.reset("counts")
    assert cut_slide(large, SMALL).rows[0]["bytes_fetched"] == 0
    assert service.counts()["bytes"] < 10_000


def test_a_slide_of_a_bucket_that_changes_meanwhile_is_told(dataset, bucket):
    [large, _] = dataset(".dagshub/storage/s3/scans/slides").load()
    path = bucket / "slides" / "large.tif"
    before = path.read_bytes()
    try:
        write(path, 5500, 9)
        done = cut_slide(large, SMALL)
    finally:
        path.write_bytes(before)
    assert not done.images
    assert done.rows[0]["problem"]


def test_lost_and_cut_answers_are_repeated(service, dataset):
    [large, _] = dataset().load()
    expected = cut_slide(large, SMALL).images
    for kind in ("reset", "truncate"):
        service.fault("*large.tif*", kind, times=None, share=0.2)
    try:
        assert cut_slide(large, SMALL).images == expected
    finally:
        service.reset("faults")


def test_a_dead_line_is_a_problem_of_the_slide(service, dataset):
    [_, small] = dataset().load()
    service.fault("*small.tif*", "status", status=404, times=None)
    try:
        [row] = cut_slide(small, SMALL).rows
    finally:
        service.reset("faults")
    assert "small.tif" in row["problem"]


def test_a_local_slide_that_changes_meanwhile_is_told(tmp_path):
    write(tmp_path / "a.tif", 700)
    [slide] = StreamedSlidesDataset(filepath=str(tmp_path), pattern="*.tif", spool_gigabytes=0).load()
    write(tmp_path / "a.tif", 700, 5)
    done = cut_slide(slide, SMALL)
    assert not done.images
    assert "changed while" in done.rows[0]["problem"]


def test_any_address_of_fsspec(seed, tmp_path):
    """A plain web server, which sends files as a whole only."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def end_headers(self):
            self.send_header("Accept-Ranges", "none")
            super().end_headers()

    handler = functools.partial(Quiet, directory=str(seed))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/slides"
        slides = StreamedSlidesDataset(filepath=address, pattern="*.tif", spool_gigabytes=1).load()
        done = [cut_slide(slide, SMALL) for slide in slides]
        server.shutdown()
    assert [one.images for one in done] == [cut_slide(slide, SMALL).images for slide in local(seed)]
    assert [one.rows[0]["problem"] for one in done] == ["", ""]


def test_an_empty_folder_is_told(tmp_path):
    dataset = StreamedSlidesDataset(filepath=str(tmp_path), pattern="*.tif", spool_gigabytes=0)
    with pytest.raises(DatasetError, match="There are no slides"):
        dataset.load()


def test_two_slides_of_one_name_are_told(tmp_path):
    for name in ("a.tif", "a.tiff"):
        (tmp_path / name).touch()
    dataset = StreamedSlidesDataset(filepath=str(tmp_path), pattern="*.tif*", spool_gigabytes=0)
    with pytest.raises(DatasetError, match="are called a"):
        dataset.load()


def test_nothing_is_left_of_a_copy_when_its_reader_is_killed(tmp_path):
    """The copy has no name any more while it is read."""
    from fsspec.implementations.memory import MemoryFileSystem

    from mayo_kedro.streaming.slide_places import spool

    memory = MemoryFileSystem()
    memory.pipe_file("/spooled", b"slide")
    with spool(memory, "/spooled", 5, 10) as file:
        assert file.read() == b"slide"
        assert os.fstat(file.fileno()).st_nlink == 0
