"""One commit through the dagshub client, whose own upload gives up at the first lost connection."""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from mayo_kedro.errors import UserError
from mayo_kedro.streaming.errors import AccessRefusedError, TransferError
from mayo_kedro.streaming.retries import PassingError, read_retry_after, try_again
from mayo_kedro.streaming.revisions import is_commit
from mayo_kedro.streaming.services import TOKEN_VARIABLE, Service
from mayo_kedro.streaming.statistics import Statistics

if TYPE_CHECKING:
    import httpx

CONNECTION_SECONDS = 60.0
ANSWER_SECONDS = 600.0
"""How long the service may take to hash and store what it got; the client itself would wait for ever."""

USUAL_FILES, USUAL_BYTES = 100, 100 * 2**20
"""What the client itself puts into one commit at most; a larger one may be refused on the way."""

# The client keeps its host and its connection in module variables.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Draft:
    """What is to become one commit.

    Attributes:
        files: seekable, by their path below `folder`.
        message: of the commit; the service keeps 100 characters.
        versioning: "git", "dvc", or "auto" to let the service choose.
        folder: "auto" and "dvc" track it with DVC as a whole, unless it is in git; "" tracks each file alone.
    """

    files: Mapping[str, BinaryIO]
    message: str
    versioning: str = "auto"
    folder: str = ""

    def measure(self) -> int:
        """The size of all files together, in bytes."""
        return sum(file.seek(0, 2) for file in self.files.values())


class Sender:
    """Sends to one branch.

    Args:
        service: where to, with a token that may write.
        full_name: "owner/name".
        branch: that exists; None for the default branch.
        statistics: told of repeated requests.

    Raises:
        AccessRefusedError: there is no token.
    """

    def __init__(self, service: Service, full_name: str, branch: str | None, statistics: Statistics) -> None:
        if service.token is None:
            # Without a token the client would open a browser and wait.
            raise AccessRefusedError(
                f"Writing to {full_name} at {service.host} needs a token.",
                f"Put one that may write into the environment variable {TOKEN_VARIABLE}; "
                "publish: false in globals.yml of conf/base or conf/ENV publishes nothing.",
            )
        self._service = service
        self._full_name = full_name
        self._branch = branch
        self._statistics = statistics
        self._answer: httpx.Response | None = None

    def send(self, draft: Draft) -> str | None:
        """Make the commit, in as many attempts as reading has; the same bytes make no second one.

        Returns:
            The id of the commit that holds the files; None if the service did not tell.

        Raises:
            UserError: the service refused the files, or the token.
            TransferError: the service could not be reached.
        """
        try:
            with _one_at_a_time:
                try_again(lambda: self._try(draft), repeated=lambda: self._statistics.add(retries=1))
        except PassingError as error:
            raise TransferError(
                f"{_name(draft)} did not reach {self._service.host} in {error.attempts} attempts: {error}.",
                "Write again when it can be reached: what did arrive makes no second commit. The results of "
                "a run lie in data/ as well, and `kedro run --from-nodes publish_results_node` sends them.",
            ) from error
        told = self._answer.headers.get("ETag", "").strip('"') if self._answer else ""
        return told if is_commit(told) else None

    def _try(self, draft: Draft) -> None:
        # Importing the client costs over a second, which only who writes pays.
        import httpx  # noqa: PLC0415
        from dagshub.common import config  # noqa: PLC0415
        from dagshub.upload import Repo  # noqa: PLC0415

        self._answer = None
        owner, name = self._full_name.split("/")
        config.set_host(self._service.host)
        try:
            with self._watching():
                Repo(owner, name, token=self._service.token, branch=self._branch).upload_files(
                    list(draft.files.items()),
                    draft.folder,
                    commit_message=draft.message,
                    versioning=draft.versioning,
                    force=True,
                    quiet=True,
                )
        except PassingError:
            raise
        except httpx.TransportError as error:
            raise PassingError(str(error) or type(error).__name__) from error
        except Exception as error:  # the client raises bare RuntimeError and a dozen classes of its own
            status = self._answer.status_code if self._answer else _read_status(error)
            if status is not None and _passes(status):
                raise PassingError(f"it answers {status}") from error
            raise self._refused(draft, error, status) from error

    @contextmanager
    def _watching(self) -> Iterator[None]:
        """Bound the client's upload in time, and see its answer, whose ETag the client does not hand out."""
        from dagshub.upload.wrapper import s as session  # noqa: PLC0415
        from httpx import Timeout  # noqa: PLC0415

        def bound(request: "httpx.Request") -> None:
            request.extensions["timeout"] = Timeout(CONNECTION_SECONDS, read=ANSWER_SECONDS).as_dict()

        hooks = session.event_hooks
        session.event_hooks = {"request": [bound], "response": [self._see]}
        try:
            yield
        finally:
            session.event_hooks = hooks

    def _see(self, answer: "httpx.Response") -> None:
        if _passes(answer.status_code):
            raise PassingError(
                f"it answers {answer.status_code}", read_retry_after(answer.headers.get("Retry-After"))
            )
        self._answer = answer

    def _refused(self, draft: Draft, error: Exception, status: int | None) -> UserError:
        told = getattr(error, "details", str(error)).rstrip(".")
        if status == 401:
            told = "the token was refused; it may have expired"
        elif status and type(error) is RuntimeError:  # which holds a body that is not meant for people
            told = f"it answers {status}"
        branch = f"@{self._branch}" if self._branch else ""
        what = f"{self._service.host} did not take {_name(draft)} for {self._full_name}{branch}: {told}."
        if status in (401, 403):
            return AccessRefusedError(
                what,
                f"Check that the token in {TOKEN_VARIABLE} may write to that branch; publish: false in "
                "globals.yml of conf/base or conf/ENV publishes nothing.",
            )
        if len(draft.files) > USUAL_FILES or draft.measure() > USUAL_BYTES:
            return UserError(
                what,
                "It may be too much for one commit, and less in one call or transaction may do: DagsHub's "
                f"own client sends at most {USUAL_FILES} files or {USUAL_BYTES // 2**20} MiB at once.",
            )
        return UserError(what, "Choose another path, or leave out versioning, which then stays as it is.")


def _passes(status: int) -> bool:
    return status == 429 or status >= 500


def _read_status(error: Exception) -> int | None:
    """What the client's questions before the upload were answered, which it tells in words only."""
    found = re.search(r"status code (\d{3})", str(error))
    return int(found[1]) if found else None


def _name(draft: Draft) -> str:
    first = "/".join(filter(None, (draft.folder, next(iter(draft.files), ""))))
    others = len(draft.files) - 1
    return f"{first!r} and {others} more" if others > 0 else repr(first)
