"""Finds secrets in files that are about to leave this machine; never repeats one."""

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from mayo_kedro.errors import UserError

OUR_SECRETS = ("DAGSHUB_USER_TOKEN", "AZUREML_SERVICE_PRINCIPAL_PASSWORD", "MLFLOW_TRACKING_PASSWORD")
"""Environment variables whose values must be in no file."""

_SHORTEST = 8  # characters; a shorter value is in many a file by chance

# Those that hardly ever err. High entropy and words such as "secret" are found in every lock and test.
_DETECTORS = (
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SlackDetector",
    "StripeDetector",
)
_FILTERS = (
    "allowlist.is_line_allowlisted",
    "heuristic.is_templated_secret",
    "heuristic.is_prefixed_with_dollar_sign",
    "heuristic.is_not_alphanumeric_string",
)
_PLACEHOLDERS = {"path": "detect_secrets.filters.regex.should_exclude_secret", "pattern": ["^[A-Z_]{1,12}$"]}
_LARGEST = 2 * 1024 * 1024  # bytes; what is larger is data, and would take minutes
_TOLD = 10


def refuse_secrets(folder: Path, paths: Iterable[str], variables: Collection[str] = ()) -> None:
    """Look for secrets: known kinds of keys and tokens, and the values of our own environment variables.

    A false alarm is allowed by `pragma: allowlist secret` at the end of its line; the value of one of our
    variables never is.

    Args:
        folder: where the files lie.
        paths: of the files, relative to the folder.
        variables: further environment variables whose values must be in no file.

    Raises:
        UserError: names files, lines and kinds, and no secret.
    """
    own = {*OUR_SECRETS, *variables}
    found = sorted({finding for path in paths for finding in _scan(folder, path, own)})
    if found:
        told = [f"- {path}, line {line}: {kind}" for path, line, kind in found[:_TOLD]]
        more = [f"- and {len(found) - _TOLD} more"] if len(found) > _TOLD else []
        raise UserError(
            "What is to be sent holds what looks like secrets:\n" + "\n".join(told + more),
            "Take them out, and read them from the environment: ${oc.env:NAME,null} in "
            "conf/base/credentials.yml. Where it is none, end its line with `# pragma: allowlist secret`.",
        )


def _scan(folder: Path, path: str, variables: Collection[str]) -> Iterator[tuple[str, int, str]]:
    for line, kind in _find_own(folder / path, variables):
        yield path, line, kind
    if (folder / path).stat().st_size <= _LARGEST:
        for line, kind in _find_known_kinds(folder / path):
            yield path, line, kind


def _find_own(path: Path, variables: Collection[str]) -> Iterator[tuple[int, str]]:
    wanted = {name: os.environ.get(name, "").encode() for name in variables}
    wanted = {name: value for name, value in wanted.items() if len(value) >= _SHORTEST}
    if not wanted:
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            for name, value in wanted.items():
                if value in line:
                    yield number, f"the value of {name}"


def _find_known_kinds(path: Path) -> Iterator[tuple[int, str]]:
    # Half a second: only a run that sends something pays.
    from detect_secrets.core.scan import scan_file  # noqa: PLC0415
    from detect_secrets.settings import transient_settings  # noqa: PLC0415

    ours = {"name": "TokenDetector", "path": Path(__file__).with_name("token_detector.py").as_uri()}
    settings = {
        "plugins_used": [*({"name": name} for name in _DETECTORS), ours],
        "filters_used": [{"path": f"detect_secrets.filters.{name}"} for name in _FILTERS] + [_PLACEHOLDERS],
    }
    with transient_settings(settings):
        for finding in scan_file(str(path)):
            yield finding.line_number, finding.type
