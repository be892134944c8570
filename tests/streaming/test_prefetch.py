import os
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.streaming.cache_layout import STREAMED_AT
from mayo_kedro.streaming.prefetch import FIRST_FILES, prefetch
from mayo_kedro.streaming.workers import Workers


class Files:
    """Files in a folder, some here at once and the others brought by threads; notes what was begun."""

    def __init__(self, folder: Path, here: frozenset[str] = frozenset()) -> None:
        self.begun: list[str] = []
        self.failing: set[str] = set()
        self._folder, self._here, self._workers = folder, here, Workers(4)

    def find_here(self, path: str) -> Path | None:
        self.begun.append(path)
        return self._folder / path if path in self._here else None

    def submit(self, path: str) -> "Future[Path]":
        return self._workers.submit(lambda: self._read(path))

    def _read(self, path: str) -> Path:
        if path in self.failing:
            raise ValueError(path)
        return self._folder / path


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("files")
    for name in range(400):
        (made / str(name)).write_bytes(bytes(1000))
    return made


names = st.lists(st.integers(0, 399).map(str), max_size=60)


@settings(deadline=None, max_examples=60)
@given(names, names, st.sets(st.integers(0, 399).map(str)), st.integers(1, 50_000))
def test_files_come_in_order_and_those_for_later_are_begun_after_them(folder, paths, ahead, here, window):
    files = Files(folder, frozenset(here))
    given_out = list(prefetch(files, paths, ahead, window))
    assert given_out == [folder / path for path in paths]
    assert files.begun[: len(paths)] == paths
    assert files.begun[len(paths) :] == ahead[: len(files.begun) - len(paths)]


def test_no_more_is_begun_than_the_window_holds(folder):
    files = Files(folder)
    stream = prefetch(files, map(str, range(400)), window_bytes=20_000)
    next(stream)
    assert len(files.begun) <= FIRST_FILES + 20
    for _ in range(FIRST_FILES):
        next(stream)
    for taken in range(FIRST_FILES + 1, FIRST_FILES + 50):
        next(stream)
        assert len(files.begun) - taken <= 22
    stream.close()


def test_what_is_for_later_is_begun_within_the_window_only(folder):
    files = Files(folder)
    assert len(list(prefetch(files, ["0", "1"], map(str, range(2, 400)), window_bytes=5000))) == 2
    assert 2 < len(files.begun) <= FIRST_FILES + 5


def test_an_error_is_raised_in_its_turn_and_what_has_not_begun_is_dropped(folder):
    files = Files(folder)
    files.failing = {"3"}
    stream = prefetch(files, map(str, range(400)), window_bytes=5000)
    assert [next(stream).name for _ in range(3)] == ["0", "1", "2"]
    with pytest.raises(ValueError, match="3"):
        next(stream)
    assert len(files.begun) <= FIRST_FILES + 5


def test_a_file_that_was_evicted_meanwhile_is_brought_again(tmp_path):
    class Evicted(Files):
        """Says that the file is here, where it no longer is."""

        def find_here(self, path: str) -> Path | None:
            return tmp_path / "gone"

    (tmp_path / "a").write_bytes(b"a")
    assert list(prefetch(Evicted(tmp_path), ["a"])) == [tmp_path / "a"]


def test_a_file_that_waited_for_its_turn_counts_as_used_when_it_is_given(tmp_path):
    for name in "ab":
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(STREAMED_AT, STREAMED_AT))
    stream = prefetch(Files(tmp_path, frozenset("ab")), ["a", "b"])
    given_out = next(stream)
    assert given_out.stat().st_atime_ns > (tmp_path / "b").stat().st_atime_ns


def test_workers_run_at_the_same_time_and_pass_errors_on():
    workers, barrier = Workers(3), threading.Barrier(3, timeout=60)
    together = [workers.submit(barrier.wait) for _ in range(3)]
    assert sorted(future.result() for future in together) == [0, 1, 2]
    with pytest.raises(ZeroDivisionError):
        workers.submit(lambda: 1 / 0).result()
    assert workers.submit(lambda: "alive").result() == "alive"


def test_cancelled_work_is_not_done():
    workers, gate, done = Workers(1), threading.Event(), []
    first = workers.submit(gate.wait)
    second = workers.submit(lambda: done.append(1))
    assert second.cancel()
    gate.set()
    assert first.result()
    assert workers.submit(lambda: done).result() == []
