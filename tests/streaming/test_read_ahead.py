"""A file read ahead gives what the file holds, whatever is read, and notices damage."""

import hashlib
import io
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mayo_kedro.streaming.read_ahead import ReadAheadFile

CONTENT = bytes(range(256)) * 40
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


def open_content(content=CONTENT, **options):
    return ReadAheadFile(lambda start, end: content[start:end], len(content), **options)


READS = st.lists(st.tuples(st.integers(0, len(CONTENT) + 50), st.integers(-1, 3000)), max_size=20)


@settings(max_examples=60, deadline=None)
@given(READS, st.integers(1, 5000), st.integers(0, 6))
def test_reads_what_the_file_holds(reads, block_bytes, blocks_ahead):
    plain = io.BytesIO(CONTENT)
    with open_content(block_bytes=max(block_bytes, 100), blocks_ahead=blocks_ahead, declared=MD5) as file:
        for position, length in reads:
            assert file.seek(position) == plain.seek(position)
            assert file.read(length) == plain.read(length)
            assert file.tell() == plain.tell()
        assert file.is_intact()


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, len(CONTENT)])
def test_from_front_to_back_every_byte_travels_once(size):
    with open_content(CONTENT[:size], block_bytes=1000, blocks_ahead=3) as file:
        while file.read(77):
            pass
        assert file.is_intact()
    assert file.bytes_fetched == size


def test_wrong_bytes_are_noticed():
    damaged = CONTENT[:5000] + b"x" + CONTENT[5001:]
    with open_content(damaged, block_bytes=1000, declared=MD5) as file:
        file.read()
        assert not file.is_intact()


def test_keeps_few_blocks_however_much_is_read():
    with open_content(block_bytes=100, blocks_ahead=2) as file:
        file.read()
        assert len(file._futures) <= 5


def test_the_next_blocks_are_under_way_before_they_are_asked_for():
    asked, all_asked = set(), threading.Event()

    def fetch(start, end):
        asked.add(start // 1000)
        if asked >= {0, 1, 2, len(CONTENT) // 1000}:
            all_asked.set()
        assert all_asked.wait(20)
        return CONTENT[start:end]

    with ReadAheadFile(fetch, len(CONTENT), block_bytes=1000, blocks_ahead=2) as file:
        assert file.read(1) == CONTENT[:1]  # comes only if the others have been asked for


def test_a_failed_fetch_is_told_to_the_reader():
    def fetch(start, end):
        raise OSError("the line is dead")

    with ReadAheadFile(fetch, 10) as file, pytest.raises(OSError, match="the line is dead"):
        file.read(1)


def test_parts_come_in_the_order_of_the_ranges():
    with open_content(block_bytes=1000, blocks_ahead=0) as file:
        assert file.read_ranges([(5000, 5003), (7, 9)]) == [CONTENT[5000:5003], CONTENT[7:9]]


def test_the_file_that_was_opened_first_is_served_first():
    served, may_go_on = [], threading.Event()

    def make_fetch(name):
        def fetch(start, end):
            block = start // 1000
            if block not in (0, 9):
                served.append(name)
                assert may_go_on.wait(20)
            return CONTENT[start:end]

        return fetch

    options = {"block_bytes": 1000, "blocks_ahead": 9}
    with (
        ReadAheadFile(make_fetch("first"), 10_000, **options) as first,
        ReadAheadFile(make_fetch("second"), 10_000, **options) as second,
        ReadAheadFile(make_fetch("third"), 10_000, **options) as third,
    ):
        may_go_on.set()
        assert [file.read() for file in (third, second, first)] == [CONTENT[:10_000]] * 3
    waited = served[8:]  # the eight before were under way at once
    assert waited == sorted(waited, key=["first", "second", "third"].index)
