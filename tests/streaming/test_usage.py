"""Whoever marks a file as used keeps it, whichever way the marking and the removal fall together."""

import fcntl
import os
import threading

import pytest

from mayo_kedro.streaming.cache_layout import STREAMED_AT
from mayo_kedro.streaming.usage import mark_as_used, remove_unless_used

LONG_AGO = STREAMED_AT + 10**9


@pytest.fixture
def streamed(tmp_path):
    path = tmp_path / "streamed"
    path.write_bytes(b"body")
    path.chmod(0o444)
    os.utime(path, ns=(LONG_AGO, STREAMED_AT))
    return path


def test_a_file_that_was_used_since_stays(streamed):
    assert mark_as_used(streamed).st_size == 4
    assert not remove_unless_used(str(streamed), LONG_AGO)
    assert streamed.read_bytes() == b"body"
    assert remove_unless_used(str(streamed), streamed.stat().st_atime_ns)
    assert not streamed.exists()


def test_what_is_gone_is_told_by_both(streamed):
    streamed.unlink()
    assert mark_as_used(streamed) is None
    assert remove_unless_used(str(streamed), LONG_AGO)


def test_what_streaming_did_not_fetch_is_neither_marked_nor_removed(streamed):
    os.utime(streamed, ns=(LONG_AGO, LONG_AGO))
    assert mark_as_used(streamed).st_atime_ns == LONG_AGO
    assert streamed.stat().st_atime_ns == LONG_AGO
    assert not remove_unless_used(str(streamed), LONG_AGO)
    assert streamed.exists()


def while_locked(path, lock, work, meanwhile):
    """Begin `work` in a thread while another holds the file's lock, do `meanwhile`, give what came of it."""
    results = []
    with path.open("rb") as file:
        fcntl.flock(file, lock)
        thread = threading.Thread(target=lambda: results.append(work()))
        thread.start()
        thread.join(0.2)
        assert not results  # it waits
        meanwhile()
    thread.join(60)
    return results[0]


def test_who_marks_while_another_removes_learns_that_the_file_is_gone(streamed):
    assert while_locked(streamed, fcntl.LOCK_EX, lambda: mark_as_used(streamed), streamed.unlink) is None


def test_who_removes_while_another_marks_leaves_the_file(streamed):
    def mark():
        os.utime(streamed, ns=(LONG_AGO + 1, STREAMED_AT))

    removed = while_locked(streamed, fcntl.LOCK_SH, lambda: remove_unless_used(str(streamed), LONG_AGO), mark)
    assert not removed
    assert streamed.exists()


def test_where_nothing_can_be_marked_files_are_read_all_the_same(streamed, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr(os, "utime", refuse)
    monkeypatch.setattr(fcntl, "flock", refuse)
    assert mark_as_used(streamed).st_size == 4
    assert remove_unless_used(str(streamed), LONG_AGO)
