"""The JSON of the DagsHub API, in the fields its client reads."""

from typing import Any
from urllib.parse import quote

from mayo_kedro.sandbox.buckets import Bucket
from mayo_kedro.sandbox.git import Author, CommitFacts
from mayo_kedro.sandbox.index import Entry
from mayo_kedro.sandbox.repository import Repository

__all__ = [
    "describe_branch",
    "describe_bucket",
    "describe_bucket_entry",
    "describe_commit",
    "describe_entry",
    "describe_repository",
    "describe_user",
]


def describe_user(login: str) -> dict[str, Any]:
    """A user."""
    texts = dict.fromkeys(("avatar_url", "public_email", "website", "company", "description"), "")
    return {"id": 1, "login": login, "username": login, "full_name": login, **texts}


def describe_repository(repository: Repository, base: str) -> dict[str, Any]:
    """A repository; `base` is the service's URL."""
    page = f"{base}/{repository.owner}/{repository.name}"
    counts = dict.fromkeys(("stars_count", "forks_count", "watchers_count", "open_issues_count", "size"), 0)
    flags = dict.fromkeys(("private", "fork", "mirror"), False)
    times = dict.fromkeys(("created_at", "updated_at"), "2024-01-01T00:00:00Z")
    return {
        "id": 1,
        "owner": describe_user(repository.owner),
        "name": repository.name,
        "full_name": f"{repository.owner}/{repository.name}",
        "description": "",
        "parent": None,
        "empty": not repository.branches(),
        "html_url": page,
        "ssh_url": None,
        "clone_url": f"{page}.git",
        "website": "",
        "default_branch": repository.default_branch,
        "permissions": {"admin": True, "push": True, "pull": True},
        **counts,
        **flags,
        **times,
    }


def describe_branch(name: str, commit: dict[str, Any]) -> dict[str, Any]:
    """A branch and the commit at its tip."""
    return {"name": name, "commit": commit}


def describe_commit(repository: Repository, facts: CommitFacts, base: str) -> dict[str, Any]:
    """A commit."""
    return {
        "id": facts.identity,
        "message": facts.message,
        "url": f"{base}/{repository.owner}/{repository.name}/commit/{facts.identity}",
        "author": _describe_author(facts.author),
        "committer": _describe_author(facts.committer),
        "added": None,
        "removed": None,
        "modified": None,
        "timestamp": facts.timestamp,
    }


def _describe_author(author: Author) -> dict[str, str]:
    return {"name": author.name, "email": author.email, "username": author.name}


def describe_entry(
    repository: Repository, entry: Entry, api: str, revision: str, *, sized: bool
) -> dict[str, Any]:
    """A file or folder in a listing.

    Args:
        repository: where it is.
        entry: the file or folder.
        api: the URL of the repository's API.
        revision: the commit that is listed.
        sized: tell sizes; without, they are 0.
    """
    size = _measure(repository, entry) if sized else 0
    return _describe(entry, f"{api}/raw/{revision}", f"{api}/content/{revision}", size)


def describe_bucket(bucket: Bucket, place: str) -> dict[str, Any]:
    """A connected bucket; `place` is the path of the route that lists buckets."""
    return {"name": bucket.name, "protocol": bucket.protocol, "list_path": f"{place}/{quote(bucket.place)}"}


def describe_bucket_entry(entry: Entry, api: str, *, sized: bool) -> dict[str, Any]:
    """An object or folder of a bucket, or a bucket as the listing of a repository's root shows it.

    Args:
        entry: what is described.
        api: the URL of the repository's API.
        sized: tell sizes; without, they are 0.
    """
    size = entry.size or 0 if sized else 0
    return _describe(entry, f"{api}/storage/raw", f"{api}/storage/content", size)


def _describe(entry: Entry, raw: str, content: str, size: int) -> dict[str, Any]:
    path = quote(entry.path)
    return {
        "path": entry.path,
        "type": entry.kind,
        "size": size,
        "hash": entry.hash,
        "versioning": entry.versioning,
        "download_url": f"{raw}/{path}",
        "content_url": f"{content}/{path}",
    }


def _measure(repository: Repository, entry: Entry) -> int:
    if entry.size is None and entry.kind == "file":
        return repository.store.measure(entry.hash)
    return entry.size or 0
