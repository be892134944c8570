"""The JSON of the DagsHub API, in the fields its client reads."""

from typing import Any
from urllib.parse import quote

from mayo_kedro.sandbox.git import Author, CommitFacts
from mayo_kedro.sandbox.index import Entry
from mayo_kedro.sandbox.repository import Repository

__all__ = ["describe_branch", "describe_commit", "describe_entry", "describe_repository", "describe_user"]


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
    place = f"{revision}/{quote(entry.path)}"
    return {
        "path": entry.path,
        "type": entry.kind,
        "size": _measure(repository, entry) if sized else 0,
        "hash": entry.hash,
        "versioning": entry.versioning,
        "download_url": f"{api}/raw/{place}",
        "content_url": f"{api}/content/{place}",
    }


def _measure(repository: Repository, entry: Entry) -> int:
    return (
        repository.store.measure(entry.hash)
        if entry.size is None and entry.kind == "file"
        else entry.size or 0
    )
