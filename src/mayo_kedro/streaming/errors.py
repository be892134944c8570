"""What can go wrong between here and a repository, each with its remedy."""

from pathlib import Path

from mayo_kedro.errors import UserError


class RemoteFileNotFoundError(UserError, FileNotFoundError):
    """The repository holds no such path; also a `FileNotFoundError`, as fsspec's callers expect."""


class UnknownImageError(UserError, KeyError):
    """No row of the table has this id; also a `KeyError`, as callers of a mapping expect."""


class AccessRefusedError(UserError, PermissionError):
    """The service refused the token (401) or the token's rights (403); never retried."""


class TransferError(UserError, OSError):
    """A file did not arrive whole after all attempts."""


class DamagedImageError(UserError, OSError):
    """A shard holds something else than the table of its images says."""


class OfflineError(UserError, OSError):
    """Something is not in the cache, and nobody may be asked."""

    @classmethod
    def of(cls, what: str, cache: Path) -> "OfflineError":
        """Make the error for `what`, which the cache folder does not hold."""
        return cls(
            f"{what} is not in the cache {cache}, and nobody is asked while streaming.offline is on.",
            "Set streaming.offline to false in globals.yml of conf/base or conf/ENV, and run once with a "
            "connection.",
        )
