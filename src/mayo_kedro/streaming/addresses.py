"""Where the DagsHub service answers what, see `dagshub.common.api.repo.RepoAPI`.

Written out here since importing the client costs more than a second, which the first image would wait for.
"""

from urllib.parse import quote

STORAGE = ".dagshub/storage"
"""Paths below this one are in connected buckets, as in the dagshub client."""


class Addresses:
    """The URLs of one repository.

    Args:
        host: of the service, without a slash at the end.
        full_name: "owner/name".
    """

    def __init__(self, host: str, full_name: str) -> None:
        self._page = f"{host}/{full_name}"
        self.repository = f"{host}/api/v1/repos/{full_name}"
        self.storage = f"{self.repository}/storage"

    def branch(self, name: str) -> str:
        """A branch and its tip."""
        return f"{self.repository}/branches/{quote(name)}"

    def content(self, path: str, commit: str) -> str:
        """A folder's entries, or the one of a file."""
        return f"{self.repository}/content/{commit}/{quote(path)}"

    def raw(self, path: str, commit: str) -> str:
        """A file's bytes; those of a bucket have no commit."""
        if is_stored(path):
            return f"{self.storage}/raw/{quote(in_storage(path))}"
        return f"{self.repository}/raw/{commit}/{quote(path)}"

    def storage_content(self, path: str) -> str:
        """A page of a bucket's entries."""
        return f"{self.storage}/content/{quote(in_storage(path))}"

    def dvc_object(self, md5: str) -> str:
        """A content of the repository's DVC remote."""
        return f"{self._page}.dvc/files/md5/{md5[:2]}/{md5[2:]}"


def is_stored(path: str) -> bool:
    """Tell whether a path is in a connected bucket."""
    return path.startswith(f"{STORAGE}/")


def in_storage(path: str) -> str:
    """PROTOCOL/BUCKET/PATH of a path in a connected bucket."""
    return path.removeprefix(f"{STORAGE}/")
