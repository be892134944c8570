"""Every mistake that the program tells in words, from its source."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from mayo_kedro.runners.azure.known_mistakes import KNOWN_MISTAKES
from reference_pages.wording import Words, has_own_words, write_name

INTRODUCTION = """# Errors, and what to do

Whatever a user can mend ends a run with two lines, what is wrong and what to do, and exit code 1. These are
all of them, made from the source: «words like these» stand for what is filled in, [one / another] depends on
the case, and [this] is said in some cases only. Anything else, with a traceback, is a fault of the program.
"""

SUBJECTS = {
    "pipelines/data_processing": "Label table and folds",
    "pipelines/modelling": "Training",
    "pipelines/reporting": "Report",
    "pipelines/slides": "Slides",
    "streaming": "Streaming and publishing",
    "datasets": "Catalog",
    "runners": "Jobs on Azure ML",
    "commands": "Commands",
}
"""The heading of each part of the package."""

BASE = "UserError"
RULE = "Rule"
"""Of the label table: the third and fourth argument are what is said of a column, and the remedy."""

HEAD = "| what is said | what to do | where |\n| --- | --- | --- |\n"


@dataclass(frozen=True)
class Mistake:
    """One of them.

    Attributes:
        subject: the heading it belongs under.
        what: is said.
        remedy: what to do.
        place: the module that says it, from the package's folder.
    """

    subject: str
    what: str
    remedy: str
    place: str


def write_page(project: Path) -> str:
    """The page in Markdown.

    Args:
        project: the project's folder.
    """
    found = [mistake for mistake in find_mistakes(project / "src/mayo_kedro") if has_own_words(mistake.what)]
    mistakes = sorted([*found, *_list_azure()], key=_subject)
    parts = (_write_part(subject, found) for subject, found in groupby(mistakes, _subject))
    return "\n".join([INTRODUCTION, *parts])


def find_mistakes(package: Path) -> list[Mistake]:
    """All that the modules of a package raise.

    Args:
        package: its folder.
    """
    modules = {path: ast.parse(path.read_text()) for path in sorted(package.rglob("*.py"))}
    kinds = _find_kinds(modules.values())
    found = []
    for path, module in modules.items():
        place = path.relative_to(package).as_posix()
        for call, words in _walk(module, kinds, Words.of(module)):
            what, remedy = map(words.tell, call.args[-2:])
            told = f"In the label table column «name» {what}" if len(call.args) > 2 else what
            found.append(Mistake(name_subject(place), told, remedy, place))
    return found


def name_subject(place: str) -> str:
    """The heading of a module.

    Args:
        place: of it, from the package's folder.
    """
    named = (title for folder, title in SUBJECTS.items() if place.startswith(f"{folder}/"))
    parts = place.split("/")
    unnamed = parts[1].replace("_", " ").capitalize() if parts[0] == "pipelines" else "Settings and set-up"
    return next(named, unnamed)


def _find_kinds(modules: Iterable[ast.Module]) -> set[str]:
    """The base's name and those of the classes made from it."""
    classes = [node for module in modules for node in ast.walk(module) if isinstance(node, ast.ClassDef)]
    kinds = {BASE}
    while True:
        more = {kind.name for kind in classes if kinds & {ast.unparse(base) for base in kind.bases}}
        if more <= kinds:
            return kinds
        kinds |= more


def _walk(node: ast.AST, kinds: set[str], words: Words) -> Iterator[tuple[ast.Call, Words]]:
    """The calls that make an error, each with what tells the words of its arguments."""
    if isinstance(node, ast.FunctionDef):
        words = words.within(node)
    if isinstance(node, ast.Call) and _makes(node, kinds):
        yield node, words
    own = kinds | {"cls"} if isinstance(node, ast.ClassDef) and node.name in kinds else kinds
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, own, words)


def _makes(call: ast.Call, kinds: set[str]) -> bool:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    return (name in kinds and len(call.args) == 2) or (name == RULE and len(call.args) == 4)


def _list_azure() -> list[Mistake]:
    """What Azure's package says in its own words, and what is made of it."""
    place = "runners/azure/known_mistakes.py"
    return [Mistake(name_subject(place), known.what, known.remedy, place) for known in KNOWN_MISTAKES]


def _subject(mistake: Mistake) -> str:
    return mistake.subject


def _write_part(subject: str, mistakes: Iterable[Mistake]) -> str:
    rows = "".join(
        f"| {_cell(mistake.what)} | {_cell(mistake.remedy)} | {write_name(mistake.place, '/')} |\n"
        for mistake in mistakes
    )
    return f"## {subject}\n\n{HEAD}{rows}"


def _cell(text: str) -> str:
    """One line that Markdown leaves as it is, but for `code`."""
    escaped = " ".join(text.split()).replace("|", "&#124;").replace("<", "&lt;").replace("*", "&#42;")
    return escaped.replace("__", "&#95;&#95;")
