"""The filesystem against a real service: the sandbox, with its repository in git and DVC."""

import threading
from concurrent.futures import ThreadPoolExecutor

import fsspec
import pandas as pd
import pytest

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.errors import AccessRefusedError, RemoteFileNotFoundError, TransferError
from mayo_kedro.streaming.filesystem import DagsHubFileSystem
from mayo_kedro.streaming.revisions import forget_pins


@pytest.fixture
def options(sandbox, tmp_path):
    sandbox.reset()
    forget_pins()
    yield {
        "host": sandbox.host,
        "token": sandbox.token,
        "cache_folder": str(tmp_path / "cache"),
        "skip_instance_cache": True,
    }
    sandbox.reset()


@pytest.fixture
def filesystem(options):
    return DagsHubFileSystem(**options)


@pytest.fixture
def root(sandbox):
    return f"{sandbox.owner}/{sandbox.name}@{sandbox.branch}"


def test_reads_git_tracked_and_dvc_tracked_files_as_they_are(filesystem, root, small_sample):
    image = next((small_sample / "images").iterdir())
    assert filesystem.cat_file(f"{root}/train.csv") == (small_sample / "train.csv").read_bytes()
    assert filesystem.cat_file(f"{root}/images/{image.name}") == image.read_bytes()
    assert filesystem.cat_file(f"{root}/images/{image.name}", 10, 20) == image.read_bytes()[10:20]


def test_lists_walks_and_finds(filesystem, root, small_sample):
    names = {path.name for path in (small_sample / "images").iterdir()}
    listed = filesystem.ls(f"dagshub://{root}/images", detail=False)
    assert {name.rpartition("/")[2] for name in listed} == names
    assert len(filesystem.glob(f"{root}/images/*.png")) == len(names)
    assert filesystem.isdir(f"{root}/images")
    assert not filesystem.exists(f"{root}/images/none.png")
    info = filesystem.info(f"{root}/train.csv")
    assert (info["type"], info["size"]) == ("file", (small_sample / "train.csv").stat().st_size)


def test_pandas_reads_by_url(options, root, small_sample):
    options.pop("skip_instance_cache")
    table = pd.read_csv(f"dagshub://{root}/train.csv", dtype=str, storage_options=options)
    pd.testing.assert_frame_equal(table, pd.read_csv(small_sample / "train.csv", dtype=str))


def test_get_copies_a_folder(filesystem, root, small_sample, tmp_path):
    filesystem.get(f"{root}/images/", str(tmp_path / "here"), recursive=True)
    assert {path.name for path in (tmp_path / "here").iterdir()} == {
        path.name for path in (small_sample / "images").iterdir()
    }


def test_a_file_travels_once_and_no_other_does(filesystem, root, sandbox, small_sample):
    image = min((small_sample / "images").iterdir()).name
    for _ in range(3):
        filesystem.cat_file(f"{root}/images/{image}")
    raw = {path: count["requests"] for path, count in sandbox.counts()["paths"].items() if "/raw/" in path}
    assert len(raw) == 1
    assert list(raw.values()) == [1]


def test_nothing_is_asked_before_the_first_read(options, sandbox):
    DagsHubFileSystem(**options)
    assert sandbox.counts()["requests"] == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503, "times": 2},
        {"kind": "status", "status": 429, "retry_after": 1, "times": 1},
        {"kind": "reset", "times": 2},
        {"kind": "truncate", "times": 2},
        {"kind": "corrupt", "times": 2},
    ],
    ids=lambda fault: fault["kind"] + str(fault.get("status", "")),
)
def test_a_passing_fault_is_overcome_and_the_content_is_right(filesystem, root, sandbox, small_sample, fault):
    image = min((small_sample / "images").iterdir())
    sandbox.fault(path=f"*/{image.name}", **fault)
    assert filesystem.cat_file(f"{root}/images/{image.name}") == image.read_bytes()


def test_content_that_never_matches_is_refused_and_not_kept(
    filesystem, root, sandbox, small_sample, tmp_path
):
    image = min((small_sample / "images").iterdir())
    sandbox.fault(path=f"*/raw/*/{image.name}", kind="corrupt", times=99)
    with pytest.raises(TransferError, match=f"{image.name}.*other content than the repository declares"):
        filesystem.cat_file(f"{root}/images/{image.name}")
    assert not any(path.is_file() for path in (tmp_path / "cache" / "files").rglob("*"))


def test_threads_that_begin_together_share_one_connection_and_one_commit(options, root, sandbox):
    filesystem = DagsHubFileSystem(**options)
    together = threading.Barrier(8)

    def read(_):
        together.wait()
        filesystem.cat_file(f"{root}/train.csv")
        return id(filesystem.repository(root)[0]), id(filesystem._connect())

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(read, range(8)))) == 1
    asked = {path: count["requests"] for path, count in sandbox.counts()["paths"].items()}
    assert [count for path, count in asked.items() if "/branches/" in path] == [1]


def test_a_service_that_stays_down_is_told_after_bounded_attempts(filesystem, root, sandbox, monkeypatch):
    sandbox.fault(path="*/raw/*/train.csv", kind="reset", times=99)
    with pytest.raises(TransferError, match=r"train\.csv.*did not arrive(.|\n)*can be reached"):
        filesystem.cat_file(f"{root}/train.csv")


def test_a_wrong_token_is_refused_once_and_not_shown(options, root, sandbox):
    secret = "wrong-token-0123456789"
    filesystem = DagsHubFileSystem(**{**options, "token": secret})
    with pytest.raises(AccessRefusedError, match=r"token was refused(.|\n)*DAGSHUB_USER_TOKEN") as refused:
        filesystem.cat_file(f"{root}/train.csv")
    assert secret not in str(refused.value)
    assert secret not in repr(refused.value.__cause__)
    assert sandbox.counts()["requests"] == 1


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("nobody/nothing@main/train.csv", "nobody/nothing"),
        ("{owner}/{name}@no-such-branch/train.csv", "no-such-branch"),
        ("{owner}/{name}@main/no/such.csv", "no"),
    ],
)
def test_what_is_not_there_is_named(filesystem, sandbox, path, named):
    with pytest.raises(RemoteFileNotFoundError, match=f"{named}(.|\n)*globals.yml"):
        filesystem.cat_file(path.format(owner=sandbox.owner, name=sandbox.name))


def test_a_path_without_a_repository_is_refused(filesystem):
    with pytest.raises(UserError, match="names no repository"):
        filesystem.ls("dagshub://owner")


def test_the_protocol_is_known_to_fsspec():
    assert fsspec.get_filesystem_class("dagshub") is DagsHubFileSystem


def test_a_service_that_is_no_dagshub_is_told(tmp_path, sandbox):
    filesystem = DagsHubFileSystem(
        host=f"{sandbox.host}/nothing",
        token=sandbox.token,
        cache_folder=str(tmp_path),
        skip_instance_cache=True,
    )
    with pytest.raises(UserError, match=r"globals\.yml"):
        filesystem.ls("ann/leaves@main")
