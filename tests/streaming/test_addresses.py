"""The addresses are those that the real client asks."""

import pytest
from dagshub.common.api.repo import RepoAPI
from httpx import Auth

from mayo_kedro.streaming.addresses import Addresses

HOST, NAME, COMMIT = "https://dagshub.example", "ann/leaves", "a" * 40


@pytest.fixture(scope="module")
def client():
    return RepoAPI(NAME, host=HOST, auth=Auth())


def test_they_are_those_of_the_real_client(client):
    ours = Addresses(HOST, NAME)
    assert ours.repository == client.repo_api_url
    assert ours.branch("feature/y") == client.branch_url("feature/y")
    assert ours.content("train/a.png", COMMIT) == client.content_api_url("train/a.png", COMMIT)
    assert ours.raw("train/a.png", COMMIT) == client.raw_api_url("train/a.png", COMMIT)
    assert ours.storage == client.storage_api_url()
    stored = ".dagshub/storage/s3/slides/a.tif"
    assert ours.storage_content(stored) == client.storage_content_api_url("s3/slides/a.tif")
    assert ours.raw(stored, COMMIT) == client.storage_raw_api_url("s3/slides/a.tif")


def test_the_dvc_remote_is_addressed_as_dvc_does():
    assert Addresses(HOST, NAME).dvc_object("abcdef.dir") == f"{HOST}/{NAME}.dvc/files/md5/ab/cdef.dir"


@pytest.mark.parametrize("name", ["a b.png", "a#b.png", "a?b.png", "50%.png", "größe.png"])
def test_names_with_special_characters_are_quoted(name):
    address = Addresses(HOST, NAME).raw(f"train/{name}", COMMIT)
    assert not set(" #?ö") & set(address)
    assert "%" in address
