import hashlib
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.streaming.integrity import BodyCheck, content_hash, is_checkable

chunks = st.lists(st.binary(max_size=50), max_size=5)


def check(chunks, declared, size=None):
    body_check = BodyCheck(declared)
    body_check.restart(size)
    for chunk in chunks:
        body_check.update(chunk)
    return body_check


def blob_id(body, folder):
    (folder / "file").write_bytes(body)
    command = ["git", "hash-object", "--no-filters", "file"]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@given(chunks)
def test_md5_of_content_is_intact_and_of_other_content_is_not(chunks):
    declared = hashlib.md5(b"".join(chunks)).hexdigest()
    assert check(chunks, declared).is_intact()
    assert not check([*chunks, b"x"], declared).is_intact()
    assert content_hash(b"".join(chunks), declared) == declared


@given(chunks)
def test_a_blob_id_is_checked_in_one_pass_if_the_size_was_told(chunks):
    body = b"".join(chunks)
    declared = content_hash(body, "0" * 40)
    assert check(chunks, declared, len(body)).is_intact()
    assert not check([*chunks, b"x"], declared, len(body) + 1).is_intact()
    assert not check(chunks, declared, len(body)).needs_second_pass


@pytest.mark.parametrize("told", [None, 3])
def test_a_blob_id_is_not_taken_as_checked_if_the_size_was_unknown_or_wrong(told):
    body_check = check([b"some", b"bytes"], content_hash(b"somebytes", "0" * 40), told)
    assert body_check.needs_second_pass
    assert not body_check.is_intact()


def test_git_blob_id_is_what_git_computes(tmp_path):
    declared = blob_id(b"some\0bytes", tmp_path)
    assert content_hash(b"some\0bytes", declared) == declared
    assert check([b"some\0", b"bytes"], declared, 10).is_intact()


@pytest.mark.parametrize("declared", [None, "", "etag-1", "0" * 33, "d41d8cd98f00b204e9800998ecf8427e.dir"])
def test_a_hash_of_unknown_kind_is_not_checkable_and_refuses_nothing(declared):
    assert not is_checkable(declared)
    assert check([b"anything"], declared).is_intact()


@given(chunks, chunks, st.sampled_from(["0" * 32, "0" * 40, None]))
def test_after_a_restart_nothing_that_came_before_counts(before, after, declared):
    body_check = check(before, declared, 7)
    body_check.restart(None)
    for chunk in after:
        body_check.update(memoryview(chunk))
    assert body_check.md5 == hashlib.md5(b"".join(after)).hexdigest()
