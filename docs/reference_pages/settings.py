"""The settings, from the pydantic models that check them and from the pipelines that use those."""

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from griffe import Docstring, DocstringAttribute, DocstringSectionAttributes
from kedro.pipeline import Pipeline
from pydantic import BaseModel

import mayo_kedro.pipelines
from mayo_kedro.runners.settings import (
    CREDENTIALS_FILE,
    SETTINGS_FILE,
    AzureMLCredentials,
    AzureMLSettings,
)
from reference_pages.kinds import describe_bounds, describe_default, describe_kind
from reference_pages.wording import Words, has_own_words, write_name

INTRODUCTION = """# Settings

Everything that can be set, made from the models that check it before anything runs: a name that is not here,
or a value out of bounds, is refused. `kedro run --params modelling.folds=all` sets one for a run; a file of
the same name in another folder of `conf/` sets it for an environment (`--env`; without one, `conf/local/`).
"""

HEAD = "| setting | values | default | meaning |\n| --- | --- | --- | --- |\n"


@dataclass(frozen=True)
class Group:
    """Settings that are checked together.

    Attributes:
        key: what stands before their names, such as "modelling"; "" for a file of its own.
        model: what checks them.
        file: where they are set.
    """

    key: str
    model: type[BaseModel]
    file: str

    def name(self, field: str) -> str:
        """A setting's full name."""
        return f"{self.key}.{field}" if self.key else field


@dataclass(frozen=True)
class Setting:
    """One line of the table: a field, with what its model says of it."""

    name: str
    schema: Mapping[str, Any]
    meaning: str


def write_page(project: Path) -> str:
    """The page in Markdown.

    Args:
        project: the project's folder.
    """
    return "\n".join([INTRODUCTION, *map(_write_group, find_groups(project)), _write_globals(project)])


def find_groups(project: Path) -> list[Group]:
    """All groups of settings: what the nodes of the pipelines take as parameters, and Azure ML's.

    Args:
        project: the project's folder.
    """
    files = _find_files(project)
    found = {key: model for pipeline in _make_pipelines() for key, model in _find_models(pipeline)}
    groups = [Group(key, model, files[key.partition(".")[0]]) for key, model in sorted(found.items())]
    azure = [
        Group("", AzureMLSettings, SETTINGS_FILE),
        Group("azureml", AzureMLCredentials, CREDENTIALS_FILE),
    ]
    return groups + azure


def list_settings(group: Group) -> Iterator[Setting]:
    """The settings of a group, and those of the groups in it.

    Args:
        group: of settings.
    """
    properties = group.model.model_json_schema()["properties"]
    meanings = {attribute.name: attribute.description for attribute in _read_attributes(group.model)}
    for name, field in group.model.model_fields.items():
        yield Setting(group.name(name), properties[name], meanings.get(name, ""))
        for key, model in _find_inner(field.annotation, group.name(name)):
            yield from list_settings(Group(key, model, group.file))


def list_rules(model: type[BaseModel]) -> list[str]:
    """What a model, and those in it, say of settings that each alone would be right.

    Args:
        model: of a group.
    """
    own = [rule for kind in _with_bases(model) for rule in _read_rules(kind)]
    inner = (found for field in model.model_fields.values() for _, found in _find_inner(field.annotation, ""))
    told = own + [rule for found in inner for rule in list_rules(found)]
    return list(filter(has_own_words, dict.fromkeys(told)))


def _read_rules(model: type[BaseModel]) -> Iterator[str]:
    words = Words.of(ast.parse(inspect.getsource(inspect.getmodule(model) or model)))
    source = ast.parse(textwrap.dedent(inspect.getsource(model)))
    for function in ast.walk(source):
        if isinstance(function, ast.FunctionDef):
            own = words.within(function)
            yield from (own.tell(error.args[0]) for error in _find_raised(function) if error.args)


def _find_raised(function: ast.FunctionDef) -> Iterator[ast.Call]:
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield node.exc


def _with_bases(model: type[BaseModel]) -> list[type[BaseModel]]:
    """A model and those that it is made from."""
    return [kind for kind in model.__mro__ if issubclass(kind, BaseModel) and kind is not BaseModel]


def _find_inner(annotation: Any, key: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """The models in a field's type; of a mapping they stand below any name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield key, annotation
    elif not isinstance(annotation, type):
        origin = get_origin(annotation)
        below = f"{key}.NAME" if isinstance(origin, type) and issubclass(origin, Mapping) else key
        for part in get_args(annotation):
            yield from _find_inner(part, below)


def _make_pipelines() -> Iterator[Pipeline]:
    for found in pkgutil.iter_modules(mayo_kedro.pipelines.__path__):
        if found.ispkg:
            yield importlib.import_module(f"mayo_kedro.pipelines.{found.name}").create_pipeline()


def _find_models(pipeline: Pipeline) -> Iterator[tuple[str, type[BaseModel]]]:
    for node in pipeline.nodes:
        kinds = inspect.get_annotations(inspect.unwrap(node.func), eval_str=True).values()
        for given, kind in zip(node.inputs, kinds, strict=False):
            if given.startswith("params:") and isinstance(kind, type) and issubclass(kind, BaseModel):
                yield given.removeprefix("params:"), kind


def _find_files(project: Path) -> dict[str, str]:
    """The file of each group; one that only points to the globals is set there."""
    found = {}
    for file in sorted((project / "conf/base").glob("parameters*.yml")):
        for key, value in yaml.safe_load(file.read_text()).items():
            place = "globals.yml" if str(value).startswith("${globals:") else file.name
            found[key] = f"conf/base/{place}"
    return found


def _read_attributes(model: type[BaseModel]) -> list[DocstringAttribute]:
    texts = [inspect.cleandoc(kind.__doc__ or "") for kind in _with_bases(model)]
    sections = [section for text in texts for section in Docstring(text).parse("google")]
    found = [section.value for section in sections if isinstance(section, DocstringSectionAttributes)]
    return [attribute for attributes in reversed(found) for attribute in attributes]


def _write_group(group: Group) -> str:
    title = group.key if group.file.startswith("conf/base") else Path(group.file).stem
    first = (inspect.getdoc(group.model) or "").partition("\n")[0]
    rows = "".join(_write_row(setting) for setting in list_settings(group))
    refused = "".join(f"- {rule}\n" for rule in list_rules(group.model))
    rules = f"\nRefused, where settings do not go together or are not known:\n\n{refused}" if refused else ""
    return f"## {title}\n\n{first}\n\nSet in `{group.file}`.\n\n{HEAD}{rows}{rules}"


def _write_row(setting: Setting) -> str:
    cells = [
        write_name(setting.name, "."),
        ", ".join(filter(None, [describe_kind(setting.schema), describe_bounds(setting.schema)])),
        describe_default(setting.schema),
        re.sub(r"\bNone\b", "null", setting.meaning),
    ]
    return "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |\n"


def _write_globals(project: Path) -> str:
    text = (project / "conf/base/globals.yml").read_text()
    return f"## globals\n\nWhich data: `conf/base/globals.yml` as it is.\n\n```yaml\n{text}```\n"
