"""What a commit holds, merged from git's tree and DVC's manifests."""

import hashlib
import posixpath
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mayo_kedro.sandbox.git import TreeEntry
from mayo_kedro.sandbox.index import CommitIndex, Entry, build_index
from mayo_kedro.sandbox.manifest import parse_manifest, write_manifest
from mayo_kedro.sandbox.objects import ObjectStore
from mayo_kedro.sandbox.outputs import describe_output

from .conftest import Running

NAMES = some.text("ab-é .", min_size=1, max_size=3).filter(lambda one: one.strip("."))
PATHS = some.lists(NAMES, min_size=1, max_size=4).map("/".join)


def is_apart(paths: set[str]) -> bool:
    """No file is at the same time the folder of another."""
    return not any(other.startswith(f"{one}/") for one in paths for other in paths)


FILES = some.sets(PATHS, max_size=12).filter(is_apart)


def digest(path: str) -> str:
    return hashlib.md5(path.encode()).hexdigest()


def find_folders(path: str) -> list[str]:
    """All folders above a path."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def make_index(store: ObjectStore, files: Mapping[str, str]) -> CommitIndex:
    """A commit with one text in git and one folder in DVC."""
    stored = store.add_manifest(files)
    described = {"data/scans.dvc": describe_output("data/scans", stored, len(files))}
    tree = [TreeEntry("data", "tree", "1" * 40, 0), TreeEntry("data/scans.dvc", "blob", "2" * 40, 80)]
    return build_index(tree, described, store)


@settings(deadline=None)
@given(paths=FILES)
def test_a_tracked_folder_is_found_and_listed_like_any_other(
    tmp_path_factory: pytest.TempPathFactory, paths: set[str]
) -> None:
    root = "data/scans"
    index = make_index(ObjectStore(tmp_path_factory.mktemp("store")), {path: digest(path) for path in paths})
    expected = {f"{root}/{path}": Entry(f"{root}/{path}", "file", "dvc", digest(path)) for path in paths}
    folders = {f"{root}/{folder}" for path in paths for folder in find_folders(path)}
    expected |= {folder: Entry(folder, "dir", "dvc", "") for folder in folders}
    assert {path: index.find(path) for path in expected} == expected
    assert not any(index.find(f"{path}/none") for path in expected)
    for folder in {root, *folders}:
        inside = sorted(path for path in expected if posixpath.dirname(path) == folder)
        assert index.list_folder(folder) == [expected[path] for path in inside]


@settings(deadline=None)
@given(paths=FILES)
def test_a_manifest_is_read_as_it_was_written(paths: set[str]) -> None:
    files = {path: digest(path) for path in paths}
    assert parse_manifest(write_manifest(files)).files == files


def test_files_of_git_inside_a_tracked_folder_are_listed_too(tmp_path: Path) -> None:
    index = make_index(ObjectStore(tmp_path), {"b.png": digest("b")})
    for name in ("a.md", "c.md"):
        index.add(Entry(f"data/scans/{name}", "file", "git", "1" * 40))
    listed = [entry.path for entry in index.list_folder("data/scans")]
    assert listed == ["data/scans/a.md", "data/scans/b.png", "data/scans/c.md"]


def test_a_tracked_folder_shows_its_manifest_in_the_listing_above(fresh: Running) -> None:
    stored = fresh.repository.store.add_manifest({"a.png": digest("a"), "deep/b.png": digest("b")})
    text = describe_output("data/scans", stored, 2)
    fresh.repository.commit("main", fresh.tip, {"data/scans.dvc": text}, "scans")
    entries = {entry["path"]: entry for entry in fresh.get("content/main/data").json()}
    shown = entries["data/scans"]
    assert (shown["type"], shown["versioning"], shown["hash"]) == ("dir", "dvc", stored.md5)
    assert stored.md5.endswith(".dir")
    url = f"{fresh.host}/sandbox/clots.dvc/files/md5/{stored.md5[:2]}/{stored.md5[2:]}"
    assert parse_manifest(fresh.ask("GET", url).content).files == {
        "a.png": digest("a"),
        "deep/b.png": digest("b"),
    }
    assert fresh.get("content/main/data/scans/deep").json()[0]["hash"] == digest("b")


def test_a_large_folder_is_read_once_for_all_commits_that_hold_it(fresh: Running) -> None:
    count = 100_000
    files = {f"{number:06d}.png": digest(str(number)) for number in range(count)}
    stored = fresh.repository.store.add_manifest(files)
    first = fresh.repository.commit(
        "main", fresh.tip, {"big.dvc": describe_output("big", stored, count)}, "big"
    )
    assert fresh.get(f"content/{first}/big/000007.png").json()["hash"] == digest("7")
    fresh.repository.store.locate(stored.md5).unlink()
    second = fresh.repository.commit("main", first, {"note.md": b"note\n"}, "note")
    for commit in (first, second):
        assert fresh.get(f"content/{commit}/big/099999.png").json()["hash"] == digest("99999")
        assert len(fresh.get(f"content/{commit}/big", timeout=60).json()) == count


def test_a_manifest_that_is_pushed_after_its_commit_is_seen(fresh: Running) -> None:
    store = fresh.repository.store
    stored = store.add_manifest({"late.png": digest("late")})
    place = store.locate(stored.md5)
    content = place.read_bytes()
    place.unlink()
    commit = fresh.repository.commit(
        "main", fresh.tip, {"late.dvc": describe_output("late", stored, 1)}, "late"
    )
    assert fresh.get(f"content/{commit}/late/late.png").status_code == 404
    assert fresh.get(f"content/{commit}/late").json() == []
    place.write_bytes(content)
    assert fresh.get(f"content/{commit}/late/late.png").json()["hash"] == digest("late")
