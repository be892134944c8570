from collections.abc import Iterator
from pathlib import Path

import pytest

from mayo_kedro.sandbox.bodies import find_range

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
