from typing import Any

import httpx
import pytest

from .conftest import Running


def put(
    running: Running, place: str, files: dict[str, bytes], branch: str = "main", **fields: Any
) -> httpx.Response:
    settings = {"commit_choice": "direct", "commit_summary": "uploaded", "last_commit": "", **fields}
    sent = [("files", (name, content)) for name, content in files.items()]
    url = f"{running.api}/content/{branch}/{place.replace('/', '%2F')}"
    answer: httpx.Response = running.ask("PUT", url, data=settings, files=sent)
    return answer


def test_a_text_goes_to_git_and_etag_is_the_commit(fresh: Running) -> None:
    answer = put(fresh, "", {"docs/note.md": b"a note\n"}, versioning="git")
    assert answer.status_code == 200
    assert answer.headers["etag"] == fresh.tip
    assert fresh.get("raw/main/docs/note.md").text == "a note\n"
    assert fresh.get(f"commits/{fresh.tip}").json()["commit"]["message"] == "uploaded\n"


def test_a_folder_goes_to_dvc_as_one_output(fresh: Running) -> None:
    files = {"a.bin": b"\0a", "deep/b.bin": b"\0b"}
    answer = put(fresh, "data/08_out", files, versioning="dvc", is_dvc_dir="true")
    assert answer.status_code == 200
    assert fresh.get("raw/main/data/08_out/deep/b.bin").content == b"\0b"
    assert b"nfiles: 2" in fresh.get("raw/main/data/08_out.dvc").content
    assert fresh.get("raw/main/data/.gitignore").text == "/08_out\n"


def test_more_files_join_the_folder_that_tracks_their_place(fresh: Running) -> None:
    put(fresh, "images", {"new.png": b"\0new"}, versioning="dvc", is_dvc_dir="true")
    put(fresh, "", {"images/more/newer.png": b"\0newer"}, versioning="auto")
    assert fresh.get("raw/main/images/new.png").content == b"\0new"
    assert fresh.get("raw/main/images/more/newer.png").content == b"\0newer"
    assert fresh.get("raw/main/images/scan_0.png").status_code == 200
    assert b"nfiles: 10" in fresh.get("raw/main/images.dvc").content


def test_a_single_file_goes_to_dvc_next_to_its_description(fresh: Running) -> None:
    put(fresh, "", {"models/net.h5": b"\x89HDF"}, versioning="dvc")
    assert fresh.get("raw/main/models/net.h5").content == b"\x89HDF"
    assert fresh.get("content/main/models/net.h5").json()["versioning"] == "dvc"
    assert fresh.get("raw/main/models/.gitignore").text == "/net.h5\n"


@pytest.mark.parametrize(("content", "expected"), [(b"text\n", "git"), (b"\0binary", "dvc")])
def test_auto_looks_at_the_content(fresh: Running, content: bytes, expected: str) -> None:
    put(fresh, "", {"thing": content}, versioning="auto")
    assert fresh.get("content/main/thing").json()["versioning"] == expected


def test_auto_makes_a_new_folder_one_of_dvc_but_leaves_one_of_git(fresh: Running) -> None:
    put(fresh, "", {"docs/a.md": b"a"}, versioning="git")
    put(fresh, "docs", {"b.md": b"b"}, versioning="auto", is_dvc_dir="true")
    put(fresh, "tables", {"c.csv": b"c"}, versioning="auto", is_dvc_dir="true")
    assert fresh.get("content/main/docs/b.md").json()["versioning"] == "git"
    assert fresh.get("content/main/tables/c.csv").json()["versioning"] == "dvc"


@pytest.mark.parametrize("versioning", ["git", "dvc"])
def test_the_same_bytes_make_no_commit(fresh: Running, versioning: str) -> None:
    first = put(fresh, "", {"thing": b"same"}, versioning=versioning)
    again = put(fresh, "", {"thing": b"same"}, versioning=versioning)
    assert (first.status_code, again.status_code) == (200, 204)
    assert again.headers["etag"] == first.headers["etag"] == fresh.tip


@pytest.mark.parametrize("versioning", ["git", "dvc"])
def test_other_bytes_need_the_commit_the_client_knows(fresh: Running, versioning: str) -> None:
    first = put(fresh, "", {"thing": b"one"}, versioning=versioning).headers["etag"]
    refused = put(fresh, "", {"thing": b"two"}, versioning=versioning)
    assert refused.status_code == 400
    assert refused.json()["error"] == "missing last_commit"
    second = put(fresh, "", {"thing": b"two"}, versioning=versioning, last_commit=first)
    assert second.status_code == 200
    stale = put(fresh, "", {"thing": b"three"}, versioning=versioning, last_commit=first)
    assert stale.json()["error"] == "invalid last_commit"
    unknown = put(fresh, "", {"thing": b"three"}, versioning=versioning, last_commit="f" * 40)
    assert unknown.json()["error"] == "invalid last_commit"
    assert fresh.get("raw/main/thing").content == b"two"


def test_a_tracked_file_keeps_what_else_its_description_says(fresh: Running) -> None:
    text = b"desc: mine\nouts:\n- md5: 00112233445566778899aabbccddeeff\n  path: other\n"
    first = fresh.repository.commit("main", fresh.tip, {"thing.dvc": text}, "by hand")
    assert put(fresh, "", {"thing": b"\0"}, versioning="dvc", last_commit=first).status_code == 200
    described = fresh.get("raw/main/thing.dvc").text
    assert "desc: mine" in described
    assert "path: other" in described
    assert "path: thing" in described


@pytest.mark.parametrize(
    ("place", "name", "versioning", "error"),
    [
        ("", "train.csv", "dvc", "versioning conflict"),
        ("", "images/scan_0.png", "git", "versioning conflict"),
        (".dvc", "file", "dvc", "versioning conflict"),
        ("", "images", "dvc", "path conflict"),
        ("", "train.csv/below", "git", "path conflict"),
        ("", "../outside", "git", "path conflict"),
        ("", ".git/config", "git", "path conflict"),
        ("", "/absolute", "git", "path conflict"),
    ],
)
def test_conflicts_are_refused(running: Running, place: str, name: str, versioning: str, error: str) -> None:
    before = running.tip
    answer = put(running, place, {name: b"new"}, versioning=versioning, is_dvc_dir=str(bool(place)).lower())
    assert (answer.status_code, answer.json().get("error")) == (400, error)
    assert running.tip == before


def test_a_new_branch_is_split_off(fresh: Running) -> None:
    fields = {"commit_choice": "commit-to-new-branch", "new_branch_name": "try/one", "versioning": "git"}
    assert put(fresh, "", {"new.txt": b"new"}, **fields).status_code == 200
    assert fresh.get("raw/try/one/new.txt").text == "new"
    assert fresh.get("raw/main/new.txt").status_code == 404
    assert put(fresh, "", {"x.txt": b"x"}, **fields).json()["error"] == "invalid new_branch_name"
    assert put(fresh, "docs", {"y.txt": b"y"}, branch="try/one", versioning="git").status_code == 200
    assert fresh.get("raw/try/one/docs/y.txt").text == "y"


def test_an_unknown_branch_is_404(running: Running) -> None:
    assert put(running, "", {"a": b"a"}, branch="none", versioning="git").status_code == 404


def test_repositories_are_made_and_then_filled(fresh: Running) -> None:
    made = fresh.ask("POST", f"{fresh.host}/api/v1/user/repos", data={"name": "mine"})
    assert (made.status_code, made.json()["full_name"], made.json()["empty"]) == (201, "sandbox/mine", True)
    again = fresh.ask("POST", f"{fresh.host}/api/v1/user/repos", data={"name": "mine"})
    assert again.status_code == 422
    bad = fresh.ask("POST", f"{fresh.host}/api/v1/user/repos", data={"name": "../bad"})
    assert bad.status_code == 422
    api = f"{fresh.host}/api/v1/repos/sandbox/mine"
    sent = {"data": {"versioning": "git"}, "files": [("files", ("first.txt", b"first"))]}
    assert fresh.ask("PUT", f"{api}/content/none/", **sent).status_code == 404
    assert fresh.ask("PUT", f"{api}/content/main/", **sent).status_code == 200
    assert fresh.ask("GET", f"{api}/raw/main/first.txt").text == "first"


def test_an_organisation_gets_a_repository_with_a_readme(fresh: Running) -> None:
    data = {"name": "shared", "auto_init": "true"}
    assert fresh.ask("POST", f"{fresh.host}/api/v1/org/clinic/repos", data=data).status_code == 201
    answer = fresh.ask("GET", f"{fresh.host}/api/v1/repos/clinic/shared/raw/main/README.md")
    assert answer.text == "# shared\n"
