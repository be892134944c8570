"""The routes below /api/v1 that write: uploads, and new repositories."""

import posixpath
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mayo_kedro.sandbox import answers, git
from mayo_kedro.sandbox.api import REPOSITORY, find_base, normalise
from mayo_kedro.sandbox.repository import Repository
from mayo_kedro.sandbox.service import Service
from mayo_kedro.sandbox.uploads import Upload, UploadPlan, UploadRefused

__all__ = ["WritingApi"]

MOST_FILES = 100_000
SUMMARY_LIMIT = 100


@dataclass(frozen=True)
class Target:
    """Where an upload is committed: on top of `parent` (None: the very first), to an old or new branch."""

    branch: str
    parent: str | None
    is_new: bool


class WritingApi:
    """Does what a client may change."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def routes(self) -> list[Route]:
        """What it answers to."""
        return [
            Route(f"{REPOSITORY}/content/{{place:path}}", self.upload, methods=["PUT"]),
            Route("/api/v1/user/repos", self.create, methods=["POST"]),
            Route("/api/v1/org/{organisation}/repos", self.create, methods=["POST"]),
        ]

    async def create(self, request: Request) -> Response:
        """Make a repository; with `auto_init`, its first commit holds a README."""
        form = await request.form()
        owner = request.path_params.get("organisation", self._service.login)
        try:
            repository = self._service.repository(owner, str(form.get("name", "")))
        except ValueError as problem:
            return JSONResponse({"message": str(problem)}, 422)
        return await run_in_threadpool(_create, repository, _is_true(form, "auto_init"), find_base(request))

    async def upload(self, request: Request) -> Response:
        """Commit files; the commit is told in ETag."""
        repository = self._service.find(request.path_params["owner"], request.path_params["name"])
        async with request.form(max_files=MOST_FILES) as form:
            return await run_in_threadpool(_upload, repository, request.path_params["place"], form)


def _create(repository: Repository, auto_init: bool, base: str) -> Response:
    repository.git_folder.parent.mkdir(parents=True, exist_ok=True)
    with repository.writing():
        if repository.exists():
            return JSONResponse({"message": f"{repository.name} exists already"}, 422)
        repository.create()
        if auto_init:
            readme = {"README.md": f"# {repository.name}\n".encode()}
            repository.commit(repository.default_branch, None, readme, "Initial commit")
    return JSONResponse(answers.describe_repository(repository, base), 201)


def _upload(repository: Repository, place: str, form: FormData) -> Response:
    with repository.writing():
        try:
            target, directory = _find_target(repository, place, form)
            upload = _read_upload(directory, form)
            return _commit(repository, target, upload, str(form.get("commit_summary", ""))[:SUMMARY_LIMIT])
        except UploadRefused as refusal:
            return JSONResponse({"error": refusal.error, "details": refusal.details}, 400)
        except git.GitError as problem:
            return JSONResponse({"error": "server error", "details": str(problem)}, 500)


def _commit(repository: Repository, target: Target, upload: Upload, summary: str) -> Response:
    index = repository.index(target.parent) if target.parent else repository.empty_index()
    changes = UploadPlan(repository, index, upload).changes()
    if not changes and not target.is_new:
        return Response(status_code=204, headers={"ETag": target.parent or ""})
    commit = repository.commit(target.branch, target.parent, changes, summary or "Upload")
    return JSONResponse({}, headers={"ETag": commit})


def _find_target(repository: Repository, place: str, form: FormData) -> tuple[Target, str]:
    found = repository.split_branch(place)
    if found is None and not repository.branches():
        branch, tip, directory = _split_default(repository, place)
    elif found is None:
        raise HTTPException(404, f"there is no branch for {place}")
    else:
        branch, tip, directory = found
    return _choose_branch(repository, branch, tip, form), directory


def _split_default(repository: Repository, place: str) -> tuple[str, None, str]:
    branch = repository.default_branch
    if place != branch and not place.startswith(f"{branch}/"):
        raise HTTPException(404, f"there is no branch for {place}")
    return branch, None, place[len(branch) + 1 :]


def _choose_branch(repository: Repository, branch: str, tip: str | None, form: FormData) -> Target:
    if form.get("commit_choice") != "commit-to-new-branch":
        return Target(branch, tip, is_new=tip is None)
    new = str(form.get("new_branch_name", ""))
    if not git.is_branch_name(new) or new in repository.branches():
        raise UploadRefused("invalid new_branch_name", f"{new!r} cannot be made")
    return Target(new, tip, is_new=True)


def _read_upload(directory: str, form: FormData) -> Upload:
    directory = normalise(directory)
    sent = [file for file in form.getlist("files") if isinstance(file, UploadFile)]
    return Upload(
        directory=directory,
        files={posixpath.join(directory, file.filename or ""): file.file for file in sent},
        versioning=str(form.get("versioning", "auto")),
        is_dvc_dir=bool(directory) and _is_true(form, "is_dvc_dir"),
        last_commit=str(form.get("last_commit", "")),
    )


def _is_true(form: FormData, field: str) -> bool:
    return str(form.get(field, "")).lower() == "true"
