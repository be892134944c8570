"""The real git and the real dvc against the service."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import NAME, OWNER, Running

DVC = str(Path(sys.executable).with_name("dvc"))


def run(folder: Path, *command: str) -> str:
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0", "DVC_NO_ANALYTICS": "1"}
    places = {"DVC_GLOBAL_CONFIG_DIR": str(folder), "DVC_SITE_CACHE_DIR": str(folder / ".dvc" / "tmp")}
    environment = {**os.environ, **settings, **places}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def clone(fresh: Running, tmp_path: Path) -> Path:
    run(tmp_path, "git", "clone", "--quiet", f"{fresh.login}/{OWNER}/{NAME}.git", "clone")
    folder = tmp_path / "clone"
    run(folder, "git", "config", "user.name", "someone")
    run(folder, "git", "config", "user.email", "someone@example.invalid")
    return folder


def log_in(clone: Path, running: Running) -> None:
    """Write what `dvc remote modify --local` writes; each call of that takes three seconds."""
    settings = {"auth": "basic", "user": OWNER, "password": running.token, "verify": "true"}
    lines = [f"    {name} = {value}\n" for name, value in settings.items()]
    (clone / ".dvc" / "config.local").write_text("".join(["['remote \"origin\"']\n", *lines]))


def test_clone_holds_what_git_tracks(clone: Path, seed: Path) -> None:
    assert (clone / "train.csv").read_bytes() == (seed / "train.csv").read_bytes()
    assert (clone / ".gitignore").read_text() == "/images\n/pretrained_efficientnet\n"
    assert not (clone / "images").exists()


def test_clone_without_the_token_fails(running: Running, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="could not read Username"):
        run(tmp_path, "git", "clone", f"{running.host}/{OWNER}/{NAME}.git", "clone")


def test_push(clone: Path, fresh: Running) -> None:
    before = fresh.tip
    (clone / "pushed.md").write_text("pushed\n" * 10_000)
    run(clone, "git", "add", "pushed.md")
    run(clone, "git", "commit", "--quiet", "--message", "pushed")
    run(clone, "git", "push", "--quiet", "origin", "main", "main:refs/heads/feature/pushed")
    assert fresh.tip != before
    assert fresh.get("raw/feature/pushed/pushed.md").text == "pushed\n" * 10_000


def test_dvc_pulls_what_was_seeded_and_pushes_what_is_new(clone: Path, fresh: Running, seed: Path) -> None:
    log_in(clone, fresh)
    run(clone, DVC, "pull", "--quiet")
    for path in (seed / "images").rglob("*.png"):
        assert (clone / path.relative_to(seed)).read_bytes() == path.read_bytes()
    (clone / "images" / "added.png").write_bytes(b"\0added")
    run(clone, DVC, "add", "--quiet", "images")
    run(clone, "git", "commit", "--quiet", "--all", "--message", "added")
    run(clone, "git", "push", "--quiet", "origin", "main")
    assert fresh.get("raw/main/images/added.png").status_code == 404
    run(clone, DVC, "push", "--quiet")
    assert fresh.get("raw/main/images/added.png").content == b"\0added"


def test_the_store_refuses_content_of_another_md5(running: Running) -> None:
    place = f"{running.host}/{OWNER}/{NAME}.dvc/files/md5"
    url = f"{place}/00/112233445566778899aabbccddeeff"
    assert running.ask("POST", url, content=b"something").status_code == 400
    assert running.ask("GET", url).status_code == 404
    assert running.ask("GET", f"{place}/00/not-an-md5").status_code == 404
    assert running.ask("GET", f"{place}/0/0112233445566778899aabbccddeeff").status_code == 404
