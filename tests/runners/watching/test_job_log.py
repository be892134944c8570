"""Lines of a log that arrives in pieces, is cut anywhere, and may begin anew."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.runners.job import LogPart
from mayo_kedro.runners.watching.job_log import HIDDEN, LineSplitter, LogReader, Scrubber

texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\r€😀\u2028"), max_size=60)


@given(texts, st.lists(st.integers(0, 240)))
def test_lines_do_not_depend_on_where_the_bytes_are_cut(text, cuts):
    content = text.encode()
    splitter, lines, start = LineSplitter(), [], 0
    for end in [*sorted(cuts), len(content)]:
        lines += splitter.feed(content[start:end])
        start = max(start, end)
    lines += splitter.flush()
    whole = text.split("\n")
    assert lines == [line.rstrip("\r").split("\r")[-1] for line in (whole if whole[-1] else whole[:-1])]


def test_bytes_that_are_no_text_do_not_end_the_reading():
    assert LineSplitter().feed(b"a\xff\xfeb\n") == ["a��b"]


def test_only_the_last_state_of_a_bar_is_told():
    assert LineSplitter().feed(b"10 %\r50 %\r100 %\r\n") == ["100 %"]


@given(st.lists(st.text("abc", min_size=1, max_size=4)), st.text("abcx", max_size=30))
def test_no_secret_is_left(secrets, text):
    scrubbed = Scrubber(secrets)(text)
    assert not any(secret in scrubbed for secret in secrets)


def test_a_secret_that_holds_another_goes_as_a_whole():
    assert Scrubber(["abc", "abcdef", ""])("abcdef abc") == f"{HIDDEN} {HIDDEN}"


class File:
    """A log as the service keeps it: bytes that grow, or begin anew."""

    def __init__(self) -> None:
        self.content = b""

    def read(self, position: int, seen: bytes) -> LogPart:
        if len(self.content) < position or not self.content.startswith(seen):
            return LogPart(self.content, restarted=True)
        return LogPart(self.content[position:])


@pytest.fixture
def file() -> File:
    return File()


@pytest.fixture
def reader(file: File) -> LogReader:
    return LogReader(file.read, ["s3cret"])


def read(reader: LogReader, to_the_end: bool = False) -> list[str]:
    lines: Iterator[str] = reader.read(to_the_end)
    return list(lines)


def test_each_line_is_given_once_and_without_secrets(file, reader):
    file.content = b"one\ntoken s3cret\ntw"
    assert read(reader) == ["one", f"token {HIDDEN}"]
    assert read(reader) == []
    file.content += b"o\n"
    assert read(reader) == ["two"]
    assert reader.restarts == 0


def test_a_last_line_without_an_end_is_given_at_the_end(file, reader):
    file.content = "one\nzwölf".encode()
    assert read(reader, to_the_end=True) == ["one", "zwölf"]


def test_a_log_that_begins_anew_is_read_from_its_start(file, reader):
    file.content = b"10:00 start\n10:01 ep"
    assert read(reader) == ["10:00 start"]
    file.content = b"10:05 start\n10:06 epoch 1\n10:07 epoch 2\n"
    assert read(reader) == ["10:01 ep", "10:05 start", "10:06 epoch 1", "10:07 epoch 2"]
    assert reader.restarts == 1
    file.content = b"10:09 start\n"
    assert read(reader) == ["10:09 start"]
    assert reader.restarts == 2
