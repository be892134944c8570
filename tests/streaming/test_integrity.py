import hashlib
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mayo_kedro.streaming.integrity import content_hash, is_checkable, is_intact


@given(st.binary())
def test_md5_of_content_is_intact_and_of_other_content_is_not(body):
    declared = hashlib.md5(body).hexdigest()
    assert is_intact(body, declared)
    assert not is_intact(body + b"x", declared)


def test_git_blob_id_is_what_git_computes(tmp_path):
    (tmp_path / "file").write_bytes(b"some\0bytes")
    blob = subprocess.run(
        ["git", "hash-object", "--no-filters", "file"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert content_hash(b"some\0bytes", blob) == blob
    assert not is_intact(b"other", blob)


@pytest.mark.parametrize("declared", [None, "", "etag-1", "0" * 33, "d41d8cd98f00b204e9800998ecf8427e.dir"])
def test_a_hash_of_unknown_kind_is_not_checkable_and_refuses_nothing(declared):
    assert not is_checkable(declared)
    assert is_intact(b"anything", declared)
