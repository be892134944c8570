"""The real, unmodified dagshub client against the service."""

from collections.abc import Iterator
from pathlib import Path

import dagshub.upload.wrapper
import httpx
import pytest
from dagshub.common.api.repo import (
    BranchNotFoundError,
    PathNotFoundError,
    RepoAPI,
    RepoNotFoundError,
)
from dagshub.streaming import DagsHubFilesystem
from dagshub.upload import Repo
from dagshub.upload.errors import InvalidLastCommitError, UpdateNotAllowedError, VersioningConflictError

from .conftest import NAME, OWNER, Running


@pytest.fixture
def api(client_host: Running) -> RepoAPI:
    auth = httpx.BasicAuth(OWNER, client_host.token)
    return RepoAPI(f"{OWNER}/{NAME}", host=client_host.host, auth=auth)


@pytest.fixture
def repo(client_host: Running) -> Repo:
    return Repo(OWNER, NAME, token=client_host.token)


@pytest.fixture
def filesystem(client_host: Running, tmp_path: Path) -> Iterator[DagsHubFilesystem]:
    mounted = DagsHubFilesystem(
        project_root=str(tmp_path / "mounted"),
        repo_url=f"{client_host.host}/{OWNER}/{NAME}",
        branch=client_host.tip,
        username=OWNER,
        password=client_host.token,
    )
    (tmp_path / "mounted").mkdir()
    yield mounted
    mounted.cleanup()


def test_repository_api(api: RepoAPI, client_host: Running, seed: Path) -> None:
    assert (api.default_branch, api.is_mirror) == ("main", False)
    assert api.last_commit_sha() == client_host.tip
    assert api.get_commit_info(client_host.tip).message == "Seed from tiny\n"
    assert api.get_connected_storages() == []
    listed = api.list_path("images", include_size=True)
    assert sum(entry.size for entry in listed) >= 7 * 24 * 24 * 3
    assert api.get_file("images/scan_2.png") == (seed / "images" / "scan_2.png").read_bytes()
    assert [entry.path for entry in api.list_path("train.csv")] == ["train.csv"]


def test_repository_api_errors(api: RepoAPI, client_host: Running) -> None:
    with pytest.raises(PathNotFoundError):
        api.list_path("none")
    with pytest.raises(PathNotFoundError):
        api.get_file("none")
    with pytest.raises(BranchNotFoundError):
        api.get_branch_info("none")
    other = RepoAPI(f"{OWNER}/none", host=client_host.host, auth=api.auth)
    with pytest.raises(RepoNotFoundError):
        other.get_repo_info()
    wrong = RepoAPI(f"{OWNER}/{NAME}", host=client_host.host, auth=httpx.BasicAuth(OWNER, "wrong"))
    with pytest.raises(RuntimeError, match="401"):
        wrong.get_repo_info()


def test_download(api: RepoAPI, tmp_path: Path, seed: Path) -> None:
    api.download("images", tmp_path / "got")
    for path in (seed / "images").rglob("*.png"):
        assert (tmp_path / "got" / path.relative_to(seed / "images")).read_bytes() == path.read_bytes()


def test_streaming(filesystem: DagsHubFilesystem, seed: Path, tmp_path: Path) -> None:
    root = tmp_path / "mounted"
    assert sorted(filesystem.listdir(root / "images")) == sorted(
        path.name for path in (seed / "images").iterdir()
    )
    for name in ("images/scan_4.png", "images/more/scan_7.png", "train.csv"):
        with filesystem.open(root / name, "rb") as file:
            assert file.read() == (seed / name).read_bytes()
    with pytest.raises(FileNotFoundError):
        filesystem.open(root / "images" / "none.png", "rb")


@pytest.mark.parametrize("versioning", ["git", "dvc"])
def test_upload_of_a_file(repo: Repo, api: RepoAPI, tmp_path: Path, versioning: str) -> None:
    etags: list[str] = []
    hooks = dagshub.upload.wrapper.s.event_hooks
    dagshub.upload.wrapper.s.event_hooks = {"response": [lambda answer: etags.append(answer.headers["etag"])]}
    try:
        for content in ("first", "first"):
            (tmp_path / "report.txt").write_text(content)
            repo.upload(
                tmp_path / "report.txt", remote_path=f"{versioning}/report.txt", versioning=versioning
            )
    finally:
        dagshub.upload.wrapper.s.event_hooks = hooks
    assert etags == [api.last_commit_sha()] * 2
    assert api.get_file(f"{versioning}/report.txt") == b"first"
    assert api.list_path(f"{versioning}/report.txt")[0].versioning == versioning


def test_upload_of_a_folder(repo: Repo, api: RepoAPI, tmp_path: Path) -> None:
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "a.parquet").write_bytes(b"\0a")
    (tmp_path / "out" / "deep" / "b.parquet").write_bytes(b"\0b")
    repo.upload(tmp_path / "out", remote_path="data/out", commit_message="results")
    assert api.get_file("data/out/deep/b.parquet") == b"\0b"
    assert {entry.path for entry in api.list_path("data/out")} == {"data/out/a.parquet", "data/out/deep"}
    assert api.last_commit().message == "results\n"


def test_upload_errors(repo: Repo, api: RepoAPI, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("first")
    second.write_text("second")
    repo.upload(first, remote_path="errors/one", versioning="git")
    with pytest.raises(UpdateNotAllowedError):
        repo.upload(second, remote_path="errors/one", versioning="git")
    with pytest.raises(VersioningConflictError):
        repo.upload(second, remote_path="errors/one", versioning="dvc", force=True)
    with pytest.raises(InvalidLastCommitError):
        repo.upload(second, remote_path="errors/one", versioning="git", last_commit="f" * 40)
    repo.upload(second, remote_path="errors/one", versioning="git", force=True)
    assert api.get_file("errors/one") == b"second"


def test_upload_to_a_new_branch(client_host: Running, api: RepoAPI, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("note")
    Repo(OWNER, NAME, token=client_host.token, branch="tried/out").upload(
        tmp_path / "note", remote_path="note", versioning="git"
    )
    assert api.get_file("note", revision="tried/out") == b"note"
    with pytest.raises(PathNotFoundError):
        api.get_file("note")


def test_create_repository(client_host: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dagshub.common.config, "username", OWNER)
    monkeypatch.setattr(dagshub.common.config, "password", client_host.token)
    made = dagshub.upload.create_repo("second", host=client_host.host)
    (tmp_path / "note").write_text("note")
    made.upload(tmp_path / "note", remote_path="note", versioning="git")
    made_api = RepoAPI(
        f"{OWNER}/second", host=client_host.host, auth=httpx.BasicAuth(OWNER, client_host.token)
    )
    assert made_api.get_file("note") == b"note"
