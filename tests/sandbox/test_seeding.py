import shutil
from pathlib import Path

import pytest

from mayo_kedro.sandbox import sources
from mayo_kedro.sandbox.repository import Repository
from mayo_kedro.sandbox.seeding import Seeding
from mayo_kedro.sandbox.sources import FolderSource, SampleSource, WeightsSource

from .conftest import make_seed


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "owner", "name")


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def seeding(repository: Repository, said: list[str]) -> Seeding:
    return Seeding(repository, "http://127.0.0.1:1", said.append)


@pytest.fixture
def own(tmp_path: Path, seed: Path) -> Path:
    return shutil.copytree(seed, tmp_path / "own")


def paths(repository: Repository) -> set[str]:
    index = repository.index(repository.branches()["main"])
    below = {f"{folder}/{name}" for folder, manifest in index.manifests.items() for name in manifest.files}
    return set(index.entries) | below


def read(repository: Repository, path: str) -> bytes | None:
    return repository.read_text(repository.index(repository.branches()["main"]), path)


def test_texts_go_to_git_and_the_rest_to_dvc(seeding: Seeding, repository: Repository, own: Path) -> None:
    (own / "slide.png").write_bytes(b"\0")
    (own / "table.csv").write_bytes(b"," * (sources.TEXT_LIMIT + 1))
    (own / "empty").mkdir()
    seeding.seed(FolderSource(own))
    index = repository.index(repository.branches()["main"])
    kinds = {path: entry.versioning for path, entry in index.entries.items() if "/" not in path and path}
    assert kinds["train.csv"] == kinds["README.md"] == "git"
    assert kinds["slide.png"] == kinds["table.csv"] == kinds["images"] == "dvc"
    assert {".hidden", "empty"} & set(kinds) == set()
    config = read(repository, ".dvc/config") or b""
    assert b"url = http://127.0.0.1:1/owner/name.dvc" in config
    assert b"autostage = false" in config


def test_nothing_new_makes_no_commit(seeding: Seeding, repository: Repository, own: Path) -> None:
    seeding.seed(FolderSource(own))
    before = repository.branches()
    seeding.seed(FolderSource(own))
    (own / "train.csv").touch()
    seeding.seed(FolderSource(own))
    assert repository.branches() == before


def test_what_changed_is_committed(seeding: Seeding, repository: Repository, own: Path) -> None:
    seeding.seed(FolderSource(own))
    before = repository.branches()["main"]
    (own / "images" / "new.png").write_bytes(b"\0new")
    (own / "images" / "scan_0.png").unlink()
    (own / "README.md").unlink()
    seeding.seed(FolderSource(own))
    assert "images/new.png" in paths(repository)
    assert {"README.md", "images/scan_0.png"} & paths(repository) == set()
    assert repository.describe(repository.branches()["main"]).message == "Seed from own\n"
    assert repository.branches()["main"] != before


def test_what_others_committed_is_kept(seeding: Seeding, repository: Repository, own: Path) -> None:
    seeding.seed(FolderSource(own))
    changes = {"train.csv": b"theirs", "notes.md": b"theirs", "README.md": None}
    theirs = repository.commit("main", repository.branches()["main"], changes, "theirs")
    seeding.seed(FolderSource(own))
    assert repository.branches()["main"] == theirs
    (own / "images" / "new.png").write_bytes(b"\0new")
    seeding.seed(FolderSource(own))
    assert read(repository, "train.csv") == read(repository, "notes.md") == b"theirs"
    assert "README.md" not in paths(repository)
    assert "images/new.png" in paths(repository)


def test_weights_are_exported_once(
    seeding: Seeding, repository: Repository, own: Path, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def export(_: WeightsSource, folder: Path) -> None:
        (folder / "pretrained_efficientnet").mkdir()
        (folder / "pretrained_efficientnet" / "efficientnet_lite2.h5").write_bytes(b"\x89HDF")

    monkeypatch.setattr(WeightsSource, "_make", export)
    shutil.rmtree(own / "pretrained_efficientnet")
    seeding.seed(FolderSource(own))
    assert "pretrained_efficientnet/efficientnet_lite2.h5" in paths(repository)
    (own / "train.csv").write_text("other")
    seeding.seed(FolderSource(own))
    assert read(repository, "train.csv") == b"other"
    assert said.count(WeightsSource.notice) == 1


def test_the_sample_is_drawn_once(
    seeding: Seeding, repository: Repository, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        SampleSource,
        "_make",
        lambda _, folder: shutil.copytree(make_seed(folder / "drawn"), folder, dirs_exist_ok=True),
    )
    seeding.seed(SampleSource())
    seeding.seed(SampleSource())
    assert said == [SampleSource.notice]
    assert "images/scan_0.png" in paths(repository)
    assert not list(repository.git_folder.with_suffix(".scratch").iterdir())


def test_generators_are_there_and_known_by_their_source() -> None:
    assert SampleSource().fingerprint() != WeightsSource().fingerprint()
