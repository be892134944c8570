import hashlib
from pathlib import Path

import pytest

from .conftest import Running


@pytest.mark.parametrize(
    "place",
    [
        "branches/none",
        "commits/0123456789012345678901234567890123456789",
        "commits/decade",
        "commits/not-hex",
        "content/none/",
        "content/main/none",
        "raw/main/none.png",
        "raw/main/images",
        "raw/none/train.csv",
        "storage/content/s3/bucket/",
    ],
)
def test_what_is_not_there_is_404(running: Running, place: str) -> None:
    answer = running.get(place)
    assert answer.status_code == 404
    assert "message" in answer.json() or "detail" in answer.json()


@pytest.mark.parametrize("repository", ["sandbox/none", "none/clots", "sandbox/.."])
def test_unknown_repositories_are_404(running: Running, repository: str) -> None:
    for place in (f"api/v1/repos/{repository}", f"{repository}.git/info/refs", f"{repository}.mlflow/health"):
        assert running.ask("GET", f"{running.host}/{place}").status_code == 404


def test_listing_tells_hash_size_and_versioning(running: Running, seed: Path) -> None:
    listed = running.get(f"content/{running.tip}/", params={"include_size": "true"}).json()
    entries = {entry["path"]: entry for entry in listed}
    assert set(entries) == {
        *(".dvc", ".gitignore", "README.md", "images", "images.dvc", "train.csv"),
        *("pretrained_efficientnet", "pretrained_efficientnet.dvc"),
    }
    assert entries["images"]["type"] == "dir"
    assert entries["images"]["versioning"] == "dvc"
    assert entries["images"]["hash"].endswith(".dir")
    assert entries["train.csv"]["versioning"] == "git"
    assert entries["train.csv"]["size"] == (seed / "train.csv").stat().st_size


def test_files_below_a_dvc_folder_have_the_md5_of_their_content(running: Running, seed: Path) -> None:
    listed = running.get("content/main/images", params={"include_size": "True"}).json()
    files = {entry["path"]: entry for entry in listed}
    content = (seed / "images" / "scan_3.png").read_bytes()
    assert files["images/scan_3.png"]["hash"] == hashlib.md5(content).hexdigest()
    assert files["images/scan_3.png"]["size"] == len(content)
    assert files["images/more"]["type"] == "dir"
    assert len(files) == 8


def test_sizes_are_0_unless_asked_for(running: Running) -> None:
    assert {entry["size"] for entry in running.get("content/main/images").json()} == {0}


def test_a_file_is_listed_as_one_entry(running: Running) -> None:
    entry = running.get("content/main/images/scan_0.png").json()
    assert entry["path"] == "images/scan_0.png"
    assert running.ask("GET", entry["download_url"]).content.startswith(b"\x89PNG")


@pytest.mark.parametrize("path", ["images/scan_1.png", "images/more/scan_7.png", "train.csv"])
def test_raw_gives_the_bytes(running: Running, seed: Path, path: str) -> None:
    expected = (seed / path).read_bytes()
    for revision in (running.tip, "main", running.tip[:8]):
        answer = running.get(f"raw/{revision}/{path}")
        assert answer.content == expected
        assert answer.headers["content-length"] == str(len(expected))
        assert "accept-ranges" not in answer.headers
    assert running.ask("HEAD", f"{running.api}/raw/main/{path}").headers["content-length"] == str(
        len(expected)
    )


def test_commits_are_found_by_the_beginning_of_their_id(running: Running) -> None:
    commit = running.get(f"commits/{running.tip[:7]}").json()["commit"]
    assert commit["id"] == running.tip
    assert commit["message"] == "Seed from tiny\n"
    assert running.get("branches/main").json()["commit"] == commit


def test_content_that_nobody_pushed_is_404(fresh: Running) -> None:
    entry = fresh.get("content/main/images/scan_0.png").json()
    fresh.repository.store.locate(entry["hash"]).unlink()
    assert fresh.get("raw/main/images/scan_0.png").status_code == 404
    assert fresh.get("raw/main/images/scan_1.png").status_code == 200


def test_branches_may_hold_slashes(fresh: Running) -> None:
    commit = fresh.repository.commit("feature/much/later", fresh.tip, {"new.txt": b"new"}, "later")
    assert fresh.get("branches/feature/much/later").json()["commit"]["id"] == commit
    assert fresh.get("raw/feature/much/later/new.txt").text == "new"
    assert fresh.get("content/feature/much/later/").json()[-1]["path"] == "train.csv"
