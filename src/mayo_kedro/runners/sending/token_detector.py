"""A detector for detect-secrets, which loads this file by its path."""

import re

from detect_secrets.plugins.base import RegexBasedDetector


class TokenDetector(RegexBasedDetector):
    """Finds tokens such as DagsHub's: 40 hex digits that are called a token or a password."""

    secret_type = "Token"  # noqa: S105  a name for people  # pragma: allowlist secret
    denylist = (re.compile(r"(?i)(?:token|password|passwd|secret)\w*[\"']?\s*[:=]\s*[\"']?([0-9a-f]{40})\b"),)
