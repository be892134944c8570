"""Which errors are a user's mistake, and what to say of them."""

import errno
import re
from collections.abc import Iterator
from pathlib import Path

from kedro.validation.exceptions import ParameterValidationError

from mayo_kedro.errors import UserError


def find_mistake(error: BaseException) -> UserError | None:
    """Look through an error and its causes for one that the user can mend.

    Args:
        error: what ended a run.

    Returns:
        The mistake in words, or None if this is a fault of the program.
    """
    for cause in _causes(error):
        if isinstance(cause, UserError):
            return cause
        if isinstance(cause, ParameterValidationError):
            return _explain_parameters(str(cause))
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return UserError(
                f"No space is left on the disk for {cause.filename or 'the output'}.",
                "Free some space and run again: what was written before is complete.",
            )
        if isinstance(cause, FileNotFoundError) and "/data/" in str(cause.filename or ""):
            return UserError(
                f"{cause.filename} is missing.",
                "Run the pipelines that make it first: data_processing, then modelling, then reporting.",
            )
        unknown = _NO_PIPELINE.search(str(cause))
        if unknown and isinstance(cause, ImportError) and cause.__cause__ is None:
            return UserError(f"There is no pipeline {unknown[1]!r}.", "`kedro registry list` names them.")
    return None


def require_environment(source: Path, environment: str) -> None:
    """Refuse a misspelt environment, which Kedro would read as an empty one.

    Args:
        source: the folder of the configuration.
        environment: a folder in it.

    Raises:
        UserError: there is no such folder.
    """
    if not (source / environment).is_dir():
        known = ", ".join(sorted(path.name for path in source.iterdir() if path.is_dir()))
        raise UserError(
            f"There is no environment {environment!r}: {source} has {known}.",
            "Choose one of these with --env or KEDRO_ENV, or make the folder.",
        )


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


_NO_PIPELINE = re.compile(r"importing the 'mayo_kedro\.pipelines\.(\w+)' module")
_FIELD = re.compile(r"^([\w.`]+)\n  (.+?) \[type=(\w+), input_value=(.+?), input_type=", re.MULTILINE)
_RULE = re.compile(r"^  Value error, (.+?) \[type=", re.MULTILINE)


def _explain_parameters(text: str) -> UserError:
    """Say what pydantic found, one setting after another."""
    told = []
    group = ""
    for part in re.split(r"(?=Parameter '\w+')", text):
        named = re.match(r"Parameter '(\w+)'", part)
        if named is None:
            continue
        group = named[1]
        fields = _FIELD.findall(part)
        for field, message, kind, value in fields:
            problem = "there is no such setting" if kind == "extra_forbidden" else message
            told.append(f"{group}.{field} = {value}: {problem.removeprefix('Value error, ')}")
        rules = [] if fields else _RULE.findall(part)
        told += [rule if rule.startswith(f"{group}.") else f"{group}: {rule}" for rule in rules]
    return UserError("; ".join(told) + "." if told else text, _name_file(group))


def _name_file(group: str) -> str:
    if group == "columns":
        return "The columns and classes are in conf/base/globals.yml, with comments."
    return f"The settings are in conf/base/parameters_{group}.yml, with comments; --params changes them too."
