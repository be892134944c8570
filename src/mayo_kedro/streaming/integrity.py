"""Does a body hold the bytes that the repository declares?"""

import hashlib
import re

_MD5 = re.compile(r"[0-9a-f]{32}")
_SHA1 = re.compile(r"[0-9a-f]{40}")


def is_md5(declared: str | None) -> bool:
    """Tell whether `declared` is a DVC md5 (32 hex digits)."""
    return declared is not None and _MD5.fullmatch(declared) is not None


def _is_blob_id(declared: str | None) -> bool:
    return declared is not None and _SHA1.fullmatch(declared) is not None


def is_checkable(declared: str | None) -> bool:
    """Tell whether `declared` is a DVC md5 (32 hex digits) or a git blob id (40)."""
    return is_md5(declared) or _is_blob_id(declared)


class BodyCheck:
    """Hashes a body while it arrives.

    Args:
        declared: a DVC md5, a git blob id, or what else the repository calls a hash, which is not checked.
    """

    def __init__(self, declared: str | None) -> None:
        self._declared = declared
        self.restart(None)

    def expect(self, declared: str | None) -> None:
        """Learn what the body should be, if that was not known when it began."""
        self._declared = declared

    def restart(self, size: int | None) -> None:
        """Forget what came.

        Args:
            size: of the whole body in bytes, if known: a git blob id hashes it before the content.
        """
        self._announced = size
        self._arrived = 0
        self._md5 = hashlib.md5(usedforsecurity=False)
        # Without the size a blob id can't be computed in this pass: see `needs_second_pass`.
        self._blob = (
            hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
            if size is not None and _is_blob_id(self._declared)
            else None
        )

    def update(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes."""
        self._md5.update(chunk)
        if self._blob:
            self._blob.update(chunk)
        self._arrived += memoryview(chunk).nbytes

    @property
    def md5(self) -> str:
        """Of what came, in lower-case hex; the cache is addressed by it."""
        return self._md5.hexdigest()

    @property
    def needs_second_pass(self) -> bool:
        """Whether the size, which a git blob id hashes first, was unknown or wrong, or the id itself unknown.

        Then `restart` with the right size and the whole body once more.
        """
        return _is_blob_id(self._declared) and (self._blob is None or self._announced != self._arrived)

    def is_intact(self) -> bool:
        """Tell whether what came is what was declared.

        Returns:
            True also for a hash of an unknown kind; False while `needs_second_pass`.
        """
        if is_md5(self._declared):
            return self.md5 == self._declared
        if _is_blob_id(self._declared):
            return self._blob is not None and self._blob.hexdigest() == self._declared
        return True


def content_hash(body: bytes, declared: str) -> str:
    """Hash `body` the way `declared` was made.

    Args:
        body: the file's bytes.
        declared: a DVC md5 or a git blob id (sha1 over "blob <length>", a zero byte and the content).

    Returns:
        The hash of the same kind, in lower-case hex.
    """
    if is_md5(declared):
        return hashlib.md5(body, usedforsecurity=False).hexdigest()
    return hashlib.sha1(b"blob %d\0%b" % (len(body), body), usedforsecurity=False).hexdigest()
