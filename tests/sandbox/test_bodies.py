import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from mayo_kedro.sandbox.bodies import BLOCK, find_range

from .conftest import Running, serve


@pytest.fixture(scope="module")
def ranged(tmp_path_factory: pytest.TempPathFactory, seed: Path) -> Iterator[Running]:
    with serve(tmp_path_factory.mktemp("ranged"), seed, ranges=True) as service:
        yield service


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-3", (0, 4)),
        ("bytes=2-", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=5-99", (5, 10)),
        ("bytes=10-", (10, 10)),
        ("bytes=0-1,3-4", None),
        ("bytes=-", None),
        ("lines=0-3", None),
        ("", None),
    ],
)
def test_find_range(header: str, expected: tuple[int, int] | None) -> None:
    assert find_range(header, 10) == expected


@pytest.mark.parametrize("path", ["images/scan_0.png", "train.csv"])
def test_a_part_of_a_file(ranged: Running, seed: Path, path: str) -> None:
    content = (seed / path).read_bytes()
    answer = ranged.get(f"raw/main/{path}", headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, content[10:20])
    assert answer.headers["content-range"] == f"bytes 10-19/{len(content)}"
    assert ranged.get(f"raw/main/{path}").headers["accept-ranges"] == "bytes"


def test_a_part_that_is_not_there(ranged: Running) -> None:
    answer = ranged.get("raw/main/train.csv", headers={"Range": "bytes=100000-"})
    assert (answer.status_code, answer.content) == (416, b"")


def test_ranges_are_off_unless_switched_on(running: Running, seed: Path) -> None:
    answer = running.get("raw/main/train.csv", headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (200, (seed / "train.csv").read_bytes())


@pytest.mark.parametrize("path", ["images/scan_0.png", "train.csv"])
def test_the_etag_is_the_declared_hash(ranged: Running, path: str) -> None:
    declared = ranged.get(f"content/main/{path}").json()["hash"]
    for revision in ("main", ranged.tip):
        answer = ranged.get(f"raw/{revision}/{path}", headers={"Range": "bytes=0-9"})
        assert answer.headers["etag"] == f'"{declared}"'


def test_the_etag_in_the_store_is_the_md5(ranged: Running, seed: Path) -> None:
    md5 = hashlib.md5((seed / "images" / "scan_0.png").read_bytes()).hexdigest()
    answer = ranged.ask("GET", f"{ranged.host}/sandbox/clots.dvc/files/md5/{md5[:2]}/{md5[2:]}")
    assert answer.headers["etag"] == f'"{md5}"'


def test_there_is_no_etag_without_ranges(running: Running) -> None:
    assert "etag" not in running.get("raw/main/images/scan_0.png").headers


@pytest.mark.parametrize("known", ['"another"', "another", "", "W/{etag}", "Sun, 06 Nov 1994 08:49:37 GMT"])
def test_a_part_of_another_version_is_not_given(ranged: Running, seed: Path, known: str) -> None:
    place = "raw/main/images/scan_0.png"
    etag = ranged.get(place).headers["etag"]
    headers = {"Range": "bytes=10-19", "If-Range": known.format(etag=etag)}
    answer = ranged.get(place, headers=headers)
    assert (answer.status_code, answer.content) == (200, (seed / "images" / "scan_0.png").read_bytes())


def test_a_part_of_the_same_version_is_given(ranged: Running) -> None:
    place = "raw/main/images/scan_0.png"
    etag = ranged.get(place).headers["etag"]
    assert ranged.get(place, headers={"Range": "bytes=10-19", "If-Range": etag}).status_code == 206
    assert ranged.get(place, headers={"Range": "bytes=-0", "If-Range": etag}).status_code == 416
    whole = ranged.get(place, headers={"If-Range": etag})
    assert whole.status_code == 200


@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK + 1, 2 * BLOCK])
def test_bodies_of_every_size(running: Running, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    stored = running.repository.store.add_stream(io.BytesIO(content))
    url = f"{running.host}/sandbox/clots.dvc/files/md5/{stored.md5[:2]}/{stored.md5[2:]}"
    assert running.ask("GET", url).content == content
    assert running.ask("HEAD", url).headers["content-length"] == str(size)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["images/scan_0.png", "images/none.png", "images", "train.csv"])
def test_a_commit_in_memory_is_answered_like_a_branch_that_is_looked_up(
    ranged: Running, method: str, path: str
) -> None:
    ranged.get(f"content/{ranged.tip}/")
    answers = [ranged.ask(method, f"{ranged.api}/raw/{one}/{path}") for one in (ranged.tip, "main")]
    first, second = ((one.status_code, one.content, dict(one.headers, date="")) for one in answers)
    assert first == second
