"""What is asked of the service, and what is not."""

import io
import subprocess
import sys
from collections import Counter
from pathlib import Path

import fsspec
import pytest

from mayo_kedro.sandbox.process import start
from mayo_kedro.streaming import filesystem as filesystem_module
from mayo_kedro.streaming.errors import OfflineError, RemoteFileNotFoundError
from mayo_kedro.streaming.filesystem import DagsHubFileSystem
from mayo_kedro.streaming.images import StreamedImages
from mayo_kedro.streaming.manifests import FEW
from mayo_kedro.streaming.revisions import forget_pins


@pytest.fixture(autouse=True)
def _own_pins(sandbox):
    sandbox.reset()
    forget_pins()
    yield
    sandbox.reset()
    forget_pins()


@pytest.fixture
def open_filesystem(sandbox, tmp_path):
    def opened(**options):
        options = {
            "host": sandbox.host,
            "token": sandbox.token,
            "cache_folder": str(tmp_path / "cache"),
        } | options
        return DagsHubFileSystem(**options, skip_instance_cache=True)

    return opened


@pytest.fixture
def root(sandbox):
    return f"/{sandbox.owner}/{sandbox.name}@{sandbox.branch}"


@pytest.fixture
def ids(small_sample):
    return sorted(path.stem for path in (small_sample / "images").iterdir())


def asked(sandbox) -> Counter[str]:
    """Requests by kind: branches, content, raw, files (of the DVC remote)."""
    kinds: Counter[str] = Counter()
    for path, count in sandbox.counts()["paths"].items():
        kind = next((kind for kind in ("branches", "content", "raw", "files") if f"/{kind}/" in path), path)
        kinds[kind] += count["requests"]
    return kinds


def test_the_first_image_costs_three_requests_in_a_folder_of_any_size(open_filesystem, root, sandbox, ids):
    open_filesystem().cat_file(f"{root}/images/{ids[0]}.png")
    assert asked(sandbox) == {"branches": 1, "content": 1, "raw": 1}


def test_a_pass_asks_for_one_manifest_and_few_files_alone(open_filesystem, root, sandbox, ids, small_sample):
    filesystem = open_filesystem()
    images = StreamedImages(filesystem, f"{root}/images", ".png", lambda: ids)
    bodies = [path.read_bytes() for path in images.stream(ids)]
    assert bodies == [(small_sample / "images" / f"{image}.png").read_bytes() for image in ids]
    requests = asked(sandbox)
    assert requests["raw"] == len(ids) > FEW
    assert requests["files"] == 1
    assert requests["content"] <= 2 * FEW + 1
    counted = filesystem.statistics.snapshot()
    assert counted["files_fetched"] == len(ids) + 1
    assert counted["retries"] == 0


def test_a_second_pass_and_a_second_process_ask_for_no_file(open_filesystem, root, sandbox, ids):
    images = StreamedImages(open_filesystem(), f"{root}/images", ".png", lambda: ids)
    first = list(images.stream(ids))
    sandbox.reset("counts")
    assert list(images.stream(ids)) == first
    assert sandbox.counts()["requests"] == 0
    forget_pins()
    again = StreamedImages(open_filesystem(), f"{root}/images", ".png", lambda: ids)
    assert list(again.stream(ids)) == first
    assert asked(sandbox) == {"branches": 1}


def test_a_real_dvc_checkout_finds_all_that_was_streamed(open_filesystem, root, sandbox, ids, tmp_path):
    images = StreamedImages(open_filesystem(), f"{root}/images", ".png", lambda: ids)
    bodies = {image: path.read_bytes() for image, path in zip(ids, images.stream(ids), strict=True)}
    login = sandbox.host.replace("://", f"://{sandbox.owner}:{sandbox.token}@")
    clone, dvc = tmp_path / "clone", [sys.executable, "-m", "dvc"]
    subprocess.run(["git", "clone", "-q", f"{login}/{sandbox.owner}/{sandbox.name}.git", clone], check=True)
    for command in (["config", "--local", "cache.dir", str(tmp_path / "cache")], ["checkout", "images.dvc"]):
        done = subprocess.run([*dvc, *command], cwd=clone, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    assert {path.stem: path.read_bytes() for path in (clone / "images").iterdir()} == bodies


def test_names_of_a_folder_come_from_its_manifest(open_filesystem, root, sandbox, ids):
    names = open_filesystem().ls(f"{root}/images", detail=False)
    assert sorted(name.rpartition("/")[2] for name in names) == [f"{image}.png" for image in ids]
    assert asked(sandbox) == {"branches": 1, "content": 1, "files": 1}


def test_without_a_manifest_files_are_asked_for_alone(open_filesystem, root, sandbox, ids):
    sandbox.fault(path="*/files/md5/*", kind="status", status=404, times=None)
    filesystem = open_filesystem()
    images = StreamedImages(filesystem, f"{root}/images", ".png", lambda: ids)
    assert len(list(images.stream(ids))) == len(ids)
    assert images.listed_ids() == set(ids)


def test_sizes_are_exact_though_a_manifest_tells_none(open_filesystem, root, ids, small_sample):
    filesystem = open_filesystem()
    filesystem.ls(f"{root}/images", detail=False)
    size = (small_sample / "images" / f"{ids[0]}.png").stat().st_size
    assert filesystem.info(f"{root}/images/{ids[0]}.png")["size"] == size
    assert filesystem.info(f"{root}/images")["type"] == "directory"


def test_a_branch_that_moves_changes_nothing_until_the_next_run(open_filesystem, root, sandbox, small_sample):
    filesystem = open_filesystem()
    before = filesystem.cat_file(f"{root}/train.csv")
    commit = filesystem.repository(root)[0].commit
    sandbox.commit({"train.csv": b"other"}, "Move the branch")
    assert (
        open_filesystem().cat_file(f"{root}/train.csv") == before == (small_sample / "train.csv").read_bytes()
    )
    forget_pins()
    assert filesystem.cat_file(f"{root}/train.csv") == b"other"
    old = root.replace(f"@{sandbox.branch}", f"@{commit}")
    assert filesystem.cat_file(f"{old}/train.csv") == before
    sandbox.commit({"train.csv": before}, "Move it back")


def test_offline_reads_what_was_read_and_names_what_was_not(open_filesystem, root, sandbox, ids):
    online = open_filesystem()
    images = StreamedImages(online, f"{root}/images", ".png", lambda: ids)
    first = list(images.stream(ids))
    table = online.cat_file(f"{root}/train.csv")
    forget_pins()
    sandbox.reset("counts")
    offline = open_filesystem(offline=True)
    again = StreamedImages(offline, f"{root}/images", ".png", lambda: ids)
    assert list(again.stream(ids)) == first
    assert offline.cat_file(f"{root}/train.csv") == table
    assert again.listed_ids() == set(ids)
    assert sandbox.counts()["requests"] == 0
    with pytest.raises(OfflineError, match=r"'NOTICE\.txt'.*not in the cache(.|\n)*streaming\.offline"):
        offline.cat_file(f"{root}/NOTICE.txt")
    forget_pins()
    with pytest.raises(OfflineError, match=r"other.*not in the cache"):
        offline.cat_file(f"{root.replace('@' + sandbox.branch, '@other')}/train.csv")


def test_a_file_that_was_corrupted_on_disk_is_fetched_again(open_filesystem, root, ids, small_sample):
    path = open_filesystem().fetch(f"{root}/images/{ids[0]}.png")
    path.chmod(0o644)
    path.write_bytes(b"x" * path.stat().st_size)
    body = open_filesystem().cat_file(f"{root}/images/{ids[0]}.png")
    assert body == (small_sample / "images" / f"{ids[0]}.png").read_bytes()


@pytest.fixture(scope="module")
def with_bucket(tmp_path_factory):
    """A service with a bucket of 250 objects, that grants parts of files."""
    folder = tmp_path_factory.mktemp("bucket")
    (folder / "deep" / "er").mkdir(parents=True)
    for number in range(250):
        (folder / f"slide_{number:03}.txt").write_text(f"slide {number}")
    (folder / "deep" / "er" / "large.bin").write_bytes(bytes(range(256)) * 2000)
    seed = tmp_path_factory.mktemp("seed")
    (seed / "train.csv").write_text("image_id\n")
    (seed / "images").mkdir()
    (seed / "images" / "large.png").write_bytes(bytes(range(256)) * 3000)
    state = tmp_path_factory.mktemp("state")
    with start(state, seed=seed, ranges=True, buckets={"s3/slides": folder}) as running:
        yield running


@pytest.fixture
def bucket_filesystem(with_bucket, tmp_path):
    with_bucket.reset()
    return DagsHubFileSystem(
        host=with_bucket.host,
        token=with_bucket.token,
        cache_folder=str(tmp_path / "cache"),
        skip_instance_cache=True,
    )


def test_buckets_are_listed_in_pages_and_read(bucket_filesystem, with_bucket):
    storage = f"/{with_bucket.owner}/{with_bucket.name}@{with_bucket.branch}/.dagshub/storage"
    assert bucket_filesystem.ls(storage, detail=False) == [f"{storage}/s3"]
    assert bucket_filesystem.ls(f"{storage}/s3", detail=False) == [f"{storage}/s3/slides"]
    assert len(bucket_filesystem.ls(f"{storage}/s3/slides")) == 251
    assert bucket_filesystem.cat_file(f"{storage}/s3/slides/slide_007.txt") == b"slide 7"
    assert bucket_filesystem.isdir(f"{storage}/s3/slides/deep")
    found = bucket_filesystem.find(f"{storage}/s3/slides/deep")
    assert found == [f"{storage}/s3/slides/deep/er/large.bin"]
    with pytest.raises(RemoteFileNotFoundError, match="none"):
        bucket_filesystem.cat_file(f"{storage}/s3/slides/none.txt")


@pytest.mark.parametrize("place", ["images/large.png", ".dagshub/storage/s3/slides/deep/er/large.bin"])
def test_of_a_large_file_only_what_is_read_travels(bucket_filesystem, with_bucket, monkeypatch, place):
    monkeypatch.setattr(filesystem_module, "RANGES_ABOVE", 100_000)
    path = f"/{with_bucket.owner}/{with_bucket.name}@{with_bucket.branch}/{place}"
    size = bucket_filesystem.info(path)["size"]
    with bucket_filesystem.open(path, block_size=4096) as file:
        assert file.seek(-300, io.SEEK_END) == size - 300
        assert file.read(10) == bytes(range(212, 222))
        file.seek(256)
        assert file.read(4) == bytes(range(4))
    assert bucket_filesystem.cat_file(path, start=512, end=520) == bytes(range(8))
    assert bucket_filesystem.cat_file(path, start=-2) == bytes([254, 255])
    assert with_bucket.counts()["bytes"] < size / 2


def test_where_no_parts_are_granted_a_large_file_comes_whole_and_once(
    open_filesystem, root, sandbox, ids, small_sample, monkeypatch
):
    monkeypatch.setattr(filesystem_module, "RANGES_ABOVE", 1000)
    filesystem = open_filesystem()
    body = (small_sample / "images" / f"{ids[0]}.png").read_bytes()
    for start_at in (0, 100, 200):
        part = filesystem.cat_file(f"{root}/images/{ids[0]}.png", start=start_at, end=start_at + 50)
        assert part == body[start_at : start_at + 50]
    assert asked(sandbox)["raw"] <= 2


def test_any_library_of_fsspec_reads_by_url(sandbox, root, small_sample, tmp_path):
    options = {"host": sandbox.host, "token": sandbox.token, "cache_folder": str(tmp_path)}
    with fsspec.open(f"dagshub:/{root}/train.csv", "rt", **options) as file:
        assert file.read() == (small_sample / "train.csv").read_text()
    local = fsspec.open_local(f"dagshub:/{root}/train.csv", **options)
    assert Path(local).read_text() == (small_sample / "train.csv").read_text()
