"""Commits on order, through the helpers of a service in a process of its own."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mayo_kedro.sandbox.process import Sandbox, start


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, seed: Path) -> Iterator[Sandbox]:
    with start(tmp_path_factory.mktemp("history") / "state", seed=seed) as running:
        yield running


def get(sandbox: Sandbox, place: str) -> httpx.Response:
    url = f"{sandbox.host}/api/v1/repos/{sandbox.owner}/{sandbox.name}/{place}"
    return httpx.get(url, headers={"Authorization": f"Bearer {sandbox.token}"}, trust_env=False)


def find(sandbox: Sandbox, commit: str, path: str) -> bytes | None:
    answer = get(sandbox, f"raw/{commit}/{path}")
    return answer.content if answer.status_code == 200 else None


def describe(sandbox: Sandbox, commit: str, path: str) -> dict[str, Any]:
    described: dict[str, Any] = get(sandbox, f"content/{commit}/{path}").json()
    return described


def tip(sandbox: Sandbox) -> str:
    return str(get(sandbox, f"branches/{sandbox.branch}").json()["commit"]["id"])


@pytest.mark.parametrize(("content", "versioning"), [(b"text\n", "git"), (b"\0binary", "dvc")])
def test_a_commit_holds_new_files_and_the_one_before_does_not(
    sandbox: Sandbox, content: bytes, versioning: str
) -> None:
    before, path = tip(sandbox), f"new/{versioning}"
    commit = sandbox.commit({path: content}, message="on order")
    assert tip(sandbox) == commit != before
    assert get(sandbox, f"commits/{commit}").json()["commit"]["message"] == "on order\n"
    assert find(sandbox, commit, path) == content
    assert describe(sandbox, commit, path)["versioning"] == versioning
    assert find(sandbox, before, path) is None


def test_files_change_where_they_are_tracked(sandbox: Sandbox, seed: Path) -> None:
    before = tip(sandbox)
    changed = {
        "train.csv": b"image,label\n",
        "images/scan_0.png": b"text, yet in DVC",
        "images/x/y.png": b"\0",
    }
    commit = sandbox.commit(changed)
    for path, content in changed.items():
        assert find(sandbox, commit, path) == content
    assert find(sandbox, before, "images/scan_0.png") == (seed / "images" / "scan_0.png").read_bytes()
    assert (
        describe(sandbox, commit, "images/scan_0.png")["hash"] == hashlib.md5(b"text, yet in DVC").hexdigest()
    )
    assert sandbox.commit(changed) == commit


def test_a_commit_is_no_request_of_a_client(sandbox: Sandbox) -> None:
    sandbox.reset()
    sandbox.fault(times=None)
    sandbox.expire_token()
    sandbox.commit({"quiet.txt": b"1\n"})
    assert sandbox.counts()["requests"] == 0
    sandbox.reset()


def test_files_that_do_not_fit_are_refused(sandbox: Sandbox) -> None:
    before = tip(sandbox)
    with pytest.raises(ValueError, match="path conflict"):
        sandbox.commit({"images": b"x"})
    with pytest.raises(ValueError, match="versioning conflict"):
        sandbox.commit({"images/scan_1.png": b"x"}, versioning="git")
    assert tip(sandbox) == before


@pytest.mark.parametrize("path", ["images/scan_2.png", "images/more", "README.md"])
def test_what_is_removed_stays_in_the_commit_before(sandbox: Sandbox, path: str) -> None:
    before = tip(sandbox)
    commit = sandbox.remove(path)
    assert tip(sandbox) == commit != before
    assert get(sandbox, f"content/{commit}/{path}").status_code == 404
    assert get(sandbox, f"content/{before}/{path}").status_code == 200
    assert find(sandbox, commit, "images/scan_3.png") == find(sandbox, before, "images/scan_3.png")


def test_the_description_of_a_folder_tells_what_is_left(sandbox: Sandbox) -> None:
    before = sandbox.commit({"images/more/one.png": b"\0one", "images/more/two.png": b"\0two!"})
    commit = sandbox.remove("images/more/two.png")
    described = [str(find(sandbox, one, "images.dvc"), "ascii").splitlines() for one in (before, commit)]
    facts = [
        {line.split()[0]: line.split()[1] for line in lines if ":" in line and line.split()[1:]}
        for lines in described
    ]
    assert int(facts[0]["nfiles:"]) - int(facts[1]["nfiles:"]) == 1
    assert int(facts[0]["size:"]) - int(facts[1]["size:"]) == 5
    assert describe(sandbox, commit, "images/more/one.png")["type"] == "file"


def test_a_file_of_dvc_goes_with_all_that_git_knows_of_it(sandbox: Sandbox) -> None:
    sandbox.commit({"models/one.h5": b"\0one", "models/two.h5": b"\0two"}, versioning="dvc")
    commit = sandbox.remove("models/one.h5")
    listed = {entry["path"] for entry in get(sandbox, f"content/{commit}/models").json()}
    assert listed == {"models/.gitignore", "models/two.h5", "models/two.h5.dvc"}
    assert find(sandbox, commit, "models/.gitignore") == b"/two.h5\n"
    emptied = sandbox.remove("models/two.h5")
    assert get(sandbox, f"content/{emptied}/models").status_code == 404


def test_a_folder_goes_whether_git_or_dvc_holds_it(sandbox: Sandbox) -> None:
    sandbox.commit({"mixed/note.md": b"note\n", "mixed/deep/net.h5": b"\0net"})
    assert get(sandbox, f"content/{sandbox.remove('mixed')}/mixed/deep/net.h5").status_code == 404
    commit = sandbox.remove("pretrained_efficientnet")
    root = {entry["path"] for entry in get(sandbox, f"content/{commit}/").json()}
    assert {"pretrained_efficientnet", "pretrained_efficientnet.dvc"} & root == set()
    assert b"/pretrained_efficientnet" not in (find(sandbox, commit, ".gitignore") or b"")


def test_one_of_several_outputs_of_a_description_goes_alone(sandbox: Sandbox) -> None:
    first, second = (hashlib.md5(one).hexdigest() for one in (b"first", b"second"))
    outputs = "".join(
        f"- md5: {md5}\n  path: {name}\n" for md5, name in ((first, "first"), (second, "second"))
    )
    sandbox.commit({"pair.dvc": f"desc: mine\nouts:\n{outputs}".encode()}, versioning="git")
    commit = sandbox.remove("first")
    assert get(sandbox, f"content/{commit}/first").status_code == 404
    assert describe(sandbox, commit, "second")["hash"] == second
    assert b"desc: mine" in (find(sandbox, commit, "pair.dvc") or b"")


@pytest.mark.parametrize("path", ["none", "", "images/none.png"])
def test_what_is_not_there_cannot_be_removed(sandbox: Sandbox, path: str) -> None:
    before = tip(sandbox)
    with pytest.raises(ValueError, match="there is no"):
        sandbox.remove(path)
    assert tip(sandbox) == before


def test_the_token_ends_and_comes_back(sandbox: Sandbox) -> None:
    sandbox.expire_token(after=1)
    assert [get(sandbox, "content/main/").status_code for _ in range(2)] == [200, 401]
    sandbox.reset("token")
    assert get(sandbox, "content/main/").status_code == 200


def test_a_share_of_faults(sandbox: Sandbox) -> None:
    sandbox.fault("*/raw/*", status=429, share=0.5, times=None)
    codes = {get(sandbox, "raw/main/train.csv").status_code for _ in range(20)}
    sandbox.reset("faults")
    assert codes == {200, 429}


def test_an_order_that_cannot_be_says_why(sandbox: Sandbox) -> None:
    with pytest.raises(ValueError, match="share is 2"):
        sandbox.fault(share=2)
