"""Does a body hold the bytes that the repository declares?"""

import hashlib
import re

_MD5 = re.compile(r"[0-9a-f]{32}")
_SHA1 = re.compile(r"[0-9a-f]{40}")


def is_checkable(declared: str | None) -> bool:
    """Tell whether `declared` is a DVC md5 (32 hex digits) or a git blob id (40)."""
    return bool(declared) and bool(_MD5.fullmatch(str(declared)) or _SHA1.fullmatch(str(declared)))


def content_hash(body: bytes, declared: str) -> str:
    """Hash `body` the way `declared` was made.

    Args:
        body: the file's bytes.
        declared: a DVC md5 or a git blob id (sha1 over "blob <length>", a zero byte and the content).

    Returns:
        The hash of the same kind, in lower-case hex.
    """
    if _MD5.fullmatch(declared):
        return hashlib.md5(body, usedforsecurity=False).hexdigest()
    blob = hashlib.sha1(b"blob %d\0" % len(body), usedforsecurity=False)
    blob.update(body)
    return blob.hexdigest()


def is_intact(body: bytes, declared: str | None) -> bool:
    """Tell whether `body` matches `declared`; a hash of an unknown kind matches anything."""
    return declared is None or not is_checkable(declared) or content_hash(body, declared) == declared
