"""Storage buckets, asked directly and by the real, unmodified dagshub client."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from dagshub.common.api.repo import PathNotFoundError, RepoAPI
from dagshub.streaming import DagsHubFilesystem
from hypothesis import given, settings
from hypothesis import strategies as some

from mayo_kedro.sandbox.buckets import parse_bucket
from mayo_kedro.sandbox.storage import PAGE

from .conftest import NAME, OWNER, Running, client_set_to, serve

MANY = 2 * PAGE + 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Several pages of objects in one folder, and names that a URL has to quote."""
    folder = tmp_path_factory.mktemp("bucket")
    (folder / "many" / "deep").mkdir(parents=True)
    for number in range(MANY - 1):
        (folder / "many" / f"{number:04d}.bin").write_bytes(b"%d" % number)
    (folder / "many" / "deep" / "slide.png").write_bytes(b"\x89PNG" * 1000)
    (folder / "a b+c.txt").write_text("quoted")
    return folder


@pytest.fixture(scope="module")
def connected(tmp_path_factory: pytest.TempPathFactory, seed: Path, folder: Path) -> Iterator[Running]:
    buckets = [parse_bucket(f"s3/slides={folder}"), parse_bucket(f"gs/other/prefix={folder / 'many'}")]
    with serve(tmp_path_factory.mktemp("state"), seed, ranges=True, buckets=buckets) as service:
        yield service


@pytest.fixture
def api(connected: Running) -> Iterator[RepoAPI]:
    with client_set_to(connected):
        auth = httpx.BasicAuth(OWNER, connected.token)
        yield RepoAPI(f"{OWNER}/{NAME}", host=connected.host, auth=auth)


def test_the_connected_buckets(connected: Running) -> None:
    assert connected.get("storage").json() == [
        {
            "name": "slides",
            "protocol": "s3",
            "list_path": "/api/v1/repos/sandbox/clots/storage/content/s3/slides",
        },
        {
            "name": "other/prefix",
            "protocol": "gs",
            "list_path": "/api/v1/repos/sandbox/clots/storage/content/gs/other/prefix",
        },
    ]


def test_the_root_shows_the_buckets_but_no_other_folder_does(connected: Running) -> None:
    listed = connected.get("content/main/").json()
    shown = {entry["path"]: entry["versioning"] for entry in listed if entry["type"] == "storage"}
    assert shown == {"s3/slides": "bucket", "gs/other/prefix": "bucket"}
    assert {entry["type"] for entry in connected.get("content/main/images").json()} == {"file", "dir"}


def list_all(running: Running, place: str) -> list[list[dict[str, Any]]]:
    """The pages of a folder."""
    settings = {"paging": "true", "include_size": "true"}
    pages: list[list[dict[str, Any]]] = []
    while True:
        answer = running.get(f"storage/content/{place}", params=settings).json()
        pages.append(answer["entries"])
        if answer["next_token"] is None:
            return pages
        settings["from_token"] = answer["next_token"]


def test_a_folder_is_told_in_pages(connected: Running, folder: Path) -> None:
    pages = list_all(connected, "s3/slides/many")
    assert [len(page) for page in pages] == [PAGE, PAGE, 1]
    entries = [entry for page in pages for entry in page]
    names = sorted(os.listdir(folder / "many"))
    assert [entry["path"] for entry in entries] == [f"s3/slides/many/{name}" for name in names]
    assert {entry["versioning"] for entry in entries} == {"bucket"}
    assert [entry["path"] for entry in entries if entry["type"] == "dir"] == ["s3/slides/many/deep"]
    sizes = [(folder / "many" / name).stat().st_size for name in names[:-1]]
    assert [entry["size"] for entry in entries[:-1]] == sizes


@settings(deadline=None)
@given(
    names=some.sets(
        some.text("ab-_.é", min_size=1, max_size=3).filter(lambda one: one.strip(".")), max_size=9
    )
)
def test_pages_hold_every_name_once(tmp_path_factory: pytest.TempPathFactory, names: set[str]) -> None:
    folder = tmp_path_factory.mktemp("names")
    for name in names:
        (folder / name).touch()
    bucket = parse_bucket(f"azure/box={folder}")
    listed, after = [], ""
    while True:
        page, after = bucket.list_page("azure/box", after, 2)
        listed += [entry.path.removeprefix("azure/box/") for entry in page]
        if not after:
            break
    assert listed == sorted(names)


def test_a_link_to_nothing_is_no_object(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "b").symlink_to(tmp_path / "gone")
    entries, after = parse_bucket(f"s3/box={tmp_path}").list_page("s3/box", "", 10)
    assert ([entry.path for entry in entries], after) == (["s3/box/a"], "")


def test_a_hash_is_no_digest_of_the_bytes_and_changes_with_them(connected: Running, folder: Path) -> None:
    content = b"first"
    (folder / "changing.bin").write_bytes(content)
    seen = set()
    for content in (b"first", b"other", b"longer than before"):
        (folder / "changing.bin").write_bytes(content)
        entry = connected.get("storage/content/s3/slides/changing.bin").json()
        for algorithm in ("md5", "sha1", "sha256"):
            assert hashlib.new(algorithm, content).hexdigest() not in entry["hash"]
        assert connected.ask("GET", entry["download_url"]).content == content
        seen.add(entry["hash"])
    assert len(seen) == 3
    (folder / "changing.bin").unlink()


def test_an_object_in_part(connected: Running, folder: Path) -> None:
    content = (folder / "many" / "deep" / "slide.png").read_bytes()
    place = "many/deep/slide.png"
    etag = f'"{connected.get(f"storage/content/s3/slides/{place}").json()["hash"]}"'
    headers = {"Range": "bytes=10-19", "If-Range": etag}
    answer = connected.get(f"storage/raw/s3/slides/{place}", headers=headers)
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (206, content[10:20], etag)
    headers["If-Range"] = '"another"'
    assert connected.get(f"storage/raw/s3/slides/{place}", headers=headers).content == content


@pytest.mark.parametrize(
    ("place", "code"),
    [
        ("content/s3/none", 404),
        ("content/s3/slides/none", 404),
        ("content/s3/slidesx", 404),
        ("raw/s3/slides/none.bin", 404),
        ("raw/s3/slides/many", 404),
        ("raw/s3/slides/many/%2e%2e/%2e%2e/etc/hostname", 404),
        ("content/s3/slides?from_token=unreadable", 400),
    ],
)
def test_what_a_bucket_does_not_hold(connected: Running, place: str, code: int) -> None:
    answer = connected.get(f"storage/{place}")
    assert (answer.status_code, "message" in answer.json()) == (code, True)


def test_without_buckets_there_are_none(running: Running) -> None:
    assert running.get("storage").json() == []
    assert {entry["type"] for entry in running.get("content/main/").json()} == {"file", "dir"}


@pytest.mark.parametrize(
    "text", ["s3/slides", "s3=FOLDER", "s3/=FOLDER", "ftp/slides=FOLDER", "s3/slides=/none"]
)
def test_what_is_no_bucket_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        parse_bucket(text.replace("FOLDER", str(tmp_path)))


def test_the_client_lists_and_reads(api: RepoAPI, folder: Path) -> None:
    assert [one.full_path for one in api.get_connected_storages()] == ["s3/slides", "gs/other/prefix"]
    listed = api.list_storage_path("s3/slides/many", include_size=True)
    assert len(listed) == MANY
    assert sum(entry.size for entry in listed) == sum(
        path.stat().st_size for path in (folder / "many").glob("*.bin")
    )
    assert [entry.path for entry in api.list_storage_path("s3/slides/a b+c.txt")] == ["s3/slides/a b+c.txt"]
    assert api.get_storage_file("s3/slides/many/deep/slide.png") == b"\x89PNG" * 1000
    assert api.get_storage_file("s3/slides/a b+c.txt") == b"quoted"
    with pytest.raises(PathNotFoundError):
        api.list_storage_path("s3/slides/none")


def test_the_client_downloads(api: RepoAPI, folder: Path, tmp_path: Path) -> None:
    api.download("s3:/slides/many/deep", tmp_path / "deep")
    assert (tmp_path / "deep" / "slide.png").read_bytes() == b"\x89PNG" * 1000
    assert "s3/slides" in {entry.path for entry in api.list_path("/")}


@pytest.mark.usefixtures("api")
def test_the_client_streams(connected: Running, folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "mounted"
    filesystem = DagsHubFilesystem(
        project_root=str(root),
        repo_url=f"{connected.host}/{OWNER}/{NAME}",
        branch=connected.tip,
        username=OWNER,
        password=connected.token,
    )
    root.mkdir()
    try:
        bucket = root / ".dagshub" / "storage" / "s3" / "slides"
        assert sorted(filesystem.listdir(bucket / "many")) == sorted(os.listdir(folder / "many"))
        with filesystem.open(bucket / "many" / "0042.bin", "rb") as file:
            assert file.read() == b"42"
    finally:
        filesystem.cleanup()
