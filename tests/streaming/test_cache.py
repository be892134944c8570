import errno
import os

import pytest

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.cache import FOLDER_VARIABLE, FileCache, default_folder


def test_keeps_what_it_is_given_under_its_key(tmp_path):
    cache = FileCache(tmp_path)
    assert cache.find("abcdef") is None
    path = cache.keep("abcdef", b"content")
    assert cache.find("abcdef") == path
    assert path.read_bytes() == b"content"


def test_keys_that_are_no_hash_do_not_leave_the_folder(tmp_path):
    path = FileCache(tmp_path / "cache").keep("../../outside\nowner/name", b"x")
    assert path.is_relative_to(tmp_path / "cache")


def test_a_full_disk_is_told_with_the_folder_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(UserError, match=f"no space is left on the disk(.|\n)*{FOLDER_VARIABLE}"):
        FileCache(tmp_path).keep("abcdef", b"content")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="can't be written"):
        FileCache(tmp_path / "file").keep("abcdef", b"content")


def test_the_folder_comes_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "kept"))
    assert default_folder() == tmp_path / "kept"
    monkeypatch.delenv(FOLDER_VARIABLE)
    assert default_folder().name == "mayo-kedro"
