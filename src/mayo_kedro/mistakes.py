"""Which errors are a user's mistake, and what to say of them."""

import errno
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from kedro.validation.exceptions import ParameterValidationError
from yaml.error import MarkedYAMLError
from yaml.parser import ParserError

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
        for explain in (_explain_settings, _explain_file, _explain_pipeline):
            mistake = explain(cause)
            if mistake is not None:
                return mistake
    return None


def _explain_settings(error: BaseException) -> UserError | None:
    if isinstance(error, ParameterValidationError):
        return _explain_parameters(str(error))
    return _explain_yaml(error) if isinstance(error, ParserError) else None


def _explain_file(error: BaseException) -> UserError | None:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return UserError(
            f"No space is left on the disk for {error.filename or 'the output'}.",
            "Free some space and run again: what was written before is complete.",
        )
    if isinstance(error, FileNotFoundError) and "/data/" in str(error.filename or ""):
        return UserError(
            f"{error.filename} is missing.",
            "Run the pipelines that make it first: data_processing, then modelling, then reporting.",
        )
    return None


def _explain_pipeline(error: BaseException) -> UserError | None:
    unknown = _NO_PIPELINE.search(str(error))
    # With a cause it is a pipeline that is there and can't be imported.
    may_be_misspelt = isinstance(error, ValueError) or (
        isinstance(error, ImportError) and not error.__cause__
    )
    if unknown is None or not may_be_misspelt:
        return None
    return UserError(
        f"There is no pipeline {unknown[1] or unknown[2]!r}.", "`kedro registry list` names them."
    )


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


def require_parameters(source: Path, given: Iterable[str]) -> None:
    """Refuse a misspelt parameter, which Kedro would add to the others, where nothing reads it.

    Args:
        source: the folder of the configuration.
        given: the names of what is given for this run; of modelling.folds it is modelling.

    Raises:
        UserError: no file of the configuration has one of them.
    """
    known: set[str] = set()
    for file in source.rglob("*.y*ml"):
        text = file.read_text("utf-8")
        known.update(_ASKED_FOR.findall(text))
        if file.name.startswith("parameters"):
            known.update(_GROUP.findall(text))
    for name in given:
        if name not in known:
            raise UserError(
                f"There is no parameter {name!r}.",
                f"Write it as in --params modelling.folds=0; the first is one of {', '.join(sorted(known))}.",
            )


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    while current is not None:
        yield current
        current = current.__cause__ or current.__context__


# Kedro says the one of --pipelines, and the other of --pipeline.
_NO_PIPELINE = re.compile(
    r"importing the 'mayo_kedro\.pipelines\.(\w+)' module|^Failed to find the pipeline named '(.+?)'"
)
_ASKED_FOR = re.compile(r"\$\{runtime_params:(\w+)")
_GROUP = re.compile(r"^(\w+):", re.MULTILINE)
_FIELD = re.compile(r"^([\w.`]+)\n  (.+?) \[type=(\w+), input_value=(.+?), input_type=", re.MULTILINE)
_RULE = re.compile(r"^  Value error, (.+?) \[type=", re.MULTILINE)


def _explain_yaml(error: ParserError) -> UserError:
    """Say which line; Kedro counts them from 0."""
    file = str(error).removeprefix("Invalid YAML or JSON file ").partition(", unable to read")[0]
    cause = error.__cause__
    found = cause.problem_mark if isinstance(cause, MarkedYAMLError) else None
    line = f", found in line {found.line + 1}" if found else ""
    return UserError(f"{file} has a mistake in its YAML{line}.", "Mend that line, or one before it.")


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
        return "The columns and classes are in globals.yml of conf/base or conf/ENV, with comments."
    return f"The settings are in conf/base/parameters_{group}.yml, with comments; --params changes them too."
