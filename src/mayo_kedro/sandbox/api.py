"""The routes below /api/v1 that read: users, repositories, branches, commits, listings, files."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mayo_kedro.sandbox import answers
from mayo_kedro.sandbox.bodies import FileBody
from mayo_kedro.sandbox.index import Entry
from mayo_kedro.sandbox.repository import Repository
from mayo_kedro.sandbox.service import Service

__all__ = ["REPOSITORY", "ReadingApi", "find_api", "find_base", "is_sized", "normalise"]

REPOSITORY = "/api/v1/repos/{owner}/{name}"


class ReadingApi:
    """Answers what a client may ask."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """What it answers to."""
        return [
            Route("/api/v1/user", self.user),
            Route(REPOSITORY, self.repository),
            Route(f"{REPOSITORY}/branches/{{branch:path}}", self.branch),
            Route(f"{REPOSITORY}/commits/{{commit}}", self.commit),
            Route(f"{REPOSITORY}/content/{{place:path}}", self.content, methods=["GET"]),
            Route(f"{REPOSITORY}/raw/{{place:path}}", self.raw),
        ]

    def user(self, _: Request) -> Response:
        """Who the token belongs to."""
        return JSONResponse(answers.describe_user(self._service.login))

    def repository(self, request: Request) -> Response:
        """A repository."""
        return JSONResponse(answers.describe_repository(self._find(request), find_base(request)))

    def branch(self, request: Request) -> Response:
        """A branch with its tip."""
        repository, name = self._find(request), request.path_params["branch"]
        tip = repository.branches().get(name)
        if tip is None:
            raise HTTPException(404, f"there is no branch {name}")
        commit = answers.describe_commit(repository, repository.describe(tip), find_base(request))
        return JSONResponse(answers.describe_branch(name, commit))

    def commit(self, request: Request) -> Response:
        """A commit by its id, or the beginning of it."""
        repository, prefix = self._find(request), request.path_params["commit"]
        found = repository.find_commit(prefix)
        if found is None:
            raise HTTPException(404, f"there is no commit {prefix}")
        commit = answers.describe_commit(repository, repository.describe(found), find_base(request))
        return JSONResponse({"commit": commit})

    def content(self, request: Request) -> Response:
        """A folder's entries, or the one of a file."""
        repository = self._find(request)
        commit, path = _split(repository, request.path_params["place"])
        index = repository.index(commit)
        entry = index.find(path)
        if entry is None:
            raise HTTPException(404, f"there is no {path}")
        api, sized = find_api(request), is_sized(request)
        if entry.kind == "file":
            return JSONResponse(answers.describe_entry(repository, entry, api, commit, sized=sized))
        listed = index.list_folder(path)
        shown = [answers.describe_entry(repository, one, api, commit, sized=sized) for one in listed]
        connected = [] if path else self._service.buckets
        buckets = [Entry(bucket.place, "storage", "bucket", "") for bucket in connected]
        return JSONResponse(shown + [answers.describe_bucket_entry(one, api, sized=sized) for one in buckets])

    def raw(self, request: Request) -> ASGIApp:
        """A file's bytes, unless `files.Files` has answered already."""
        repository, ranges = self._find(request), self._service.ranges
        commit, path = _split(repository, request.path_params["place"])
        entry = repository.index(commit).find(path)
        if entry is None or entry.kind != "file":
            raise HTTPException(404, f"there is no file {path}")
        if entry.versioning == "git":
            return FileBody(repository.read_blob(entry), path, entry.hash, ranges=ranges)
        try:
            return FileBody(repository.store.locate(entry.hash), path, entry.hash, ranges=ranges)
        except FileNotFoundError:
            raise HTTPException(404, f"{path} has not been pushed") from None

    def _find(self, request: Request) -> Repository:
        return self._service.find(request.path_params["owner"], request.path_params["name"])


def find_base(request: Request) -> str:
    """The service's URL as the client knows it."""
    return str(request.base_url).rstrip("/")


def find_api(request: Request) -> str:
    """The URL of a repository's API as the client knows it."""
    return f"{find_base(request)}{REPOSITORY.format(**request.path_params)}"


def is_sized(request: Request) -> bool:
    """Whether a listing is to tell sizes."""
    return request.query_params.get("include_size", "").lower() == "true"


def _split(repository: Repository, place: str) -> tuple[str, str]:
    found = repository.split_revision(place)
    if found is None:
        raise HTTPException(404, f"there is no revision {place.split('/', maxsplit=1)[0]}")
    return found[0], normalise(found[1])


def normalise(path: str) -> str:
    """A path below the root of a repository, the root itself as ""."""
    return path.strip("/").removeprefix("./") if path.strip("/.") else ""
