"""From an expression that makes a message to the message, with «names» where something is filled in.

[one / another] is what depends on the case, [this] what is said in some cases only.
"""

import ast
import importlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

MOST_STEPS = 5
"""So many names are followed to what they stand for: one may be made of itself."""

TEXT_METHODS = {"strip", "rstrip", "as_posix", "resolve", "split", "splitlines", "nunique"}
"""They leave a value what it is, or what it is called."""


@dataclass(frozen=True)
class Words:
    """What the names of a module, and of a function in it, stand for.

    Attributes:
        assigned: the expressions, by name; of several the first.
        imported: the project's module that a name comes from.
        steps: how many more names are followed.
    """

    assigned: Mapping[str, ast.expr]
    imported: Mapping[str, str]
    steps: int = MOST_STEPS

    @classmethod
    def of(cls, module: ast.Module) -> "Words":
        """The names that a module defines."""
        imports = [node for node in module.body if isinstance(node, ast.ImportFrom)]
        names = {alias.name: str(node.module) for node in imports for alias in node.names}
        return cls(dict(_find_assigned(module)), names)

    def within(self, function: ast.FunctionDef) -> "Words":
        """The same and the names of a function, whose arguments hide the module's."""
        outer = {name: value for name, value in self.assigned.items() if name not in _arguments(function)}
        return replace(self, assigned={**outer, **dict(_find_assigned(function))})

    def tell(self, expression: ast.AST) -> str:
        """The message.

        Args:
            expression: what makes it.
        """
        match expression:
            case ast.JoinedStr(values=parts):
                told = "".join(map(self.tell, parts))
            case ast.FormattedValue(value=value) | ast.BoolOp(op=ast.Or(), values=[value, *_]):
                told = self.tell(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                told = self.tell(left) + self.tell(right)
            case ast.IfExp(body=body, orelse=orelse):
                told = _choose(self.tell(body), self.tell(orelse))
            case ast.Constant(value=value):
                told = str(value)
            case ast.Name(id=name):
                told = self._follow(name)
            case _:
                told = f"«{name_value(expression)}»"
        return told

    def _follow(self, name: str) -> str:
        if name in self.assigned and self.steps:
            return replace(self, steps=self.steps - 1).tell(self.assigned[name])
        if name.isupper() and self.imported.get(name, "").startswith("mayo_kedro"):
            return str(getattr(importlib.import_module(self.imported[name]), name))
        return f"«{_spoken(name)}»"


def name_value(expression: ast.AST) -> str:
    """A name for a value that is only known when the program runs.

    Args:
        expression: what makes it.
    """
    match expression:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name != "__name__":
            told = _spoken(name)
        case ast.Subscript(slice=ast.Constant(value=str(key))):
            told = _spoken(key)
        case ast.Attribute(value=ast.Call(args=[value])):
            told = f"kind of {name_value(value)}"
        case ast.Call(func=ast.Name(id="len"), args=[value]):
            told = f"number of {name_value(value)}"
        case ast.JoinedStr():
            told = ", ".join(dict.fromkeys(map(name_value, _find_filled(expression)))) or "value"
        case _:
            inner = _look_inside(expression)
            told = name_value(inner) if inner else "value"
    return told


def has_own_words(message: str) -> bool:
    """Whether a message says more than what is filled in.

    Args:
        message: as told here.
    """
    return re.search(r"\w{3}", re.sub(r"«[^»]*»", "", message)) is not None


def write_name(name: str, mark: str) -> str:
    """A long name in HTML, which breaks after each mark only.

    Args:
        name: of a setting or a module.
        mark: what stands between its parts.
    """
    return f"<code>{name.replace(mark, f'{mark}<wbr>')}</code>"


def _look_inside(expression: ast.AST) -> ast.AST | None:
    """What an expression does something with."""
    match expression:
        case ast.Call(func=ast.Name(id="map"), args=[_, inner]):
            pass
        case ast.Call(func=ast.Attribute(attr="join"), args=[inner]):
            pass
        case ast.Call(func=ast.Attribute(value=inner, attr=method)) if method in TEXT_METHODS:
            pass
        case ast.Call(args=[inner, *_]) if not isinstance(inner, ast.Constant):
            pass
        case ast.Call(func=inner) | ast.GeneratorExp(elt=inner) | ast.ListComp(elt=inner):
            pass
        case ast.Subscript(value=ast.Attribute(attr="iloc", value=inner)):
            pass
        case ast.Subscript(value=inner) | ast.Starred(value=inner) | ast.BinOp(left=inner):
            pass
        case _:
            return None
    return inner


def _find_filled(text: ast.JoinedStr) -> list[ast.expr]:
    return [part.value for part in text.values if isinstance(part, ast.FormattedValue)]


def _choose(first: str, second: str) -> str:
    return "[" + " / ".join(choice for choice in (first, second) if choice.strip()) + "]"


def _spoken(name: str) -> str:
    return re.sub(r"_+", " ", name).strip().lower()


def _arguments(function: ast.FunctionDef) -> set[str]:
    own = function.args
    return {argument.arg for argument in (*own.posonlyargs, *own.args, *own.kwonlyargs)}


def _find_assigned(scope: ast.Module | ast.FunctionDef) -> Iterator[tuple[str, ast.expr]]:
    """What is assigned in a scope to one name, the last one first, so that the first one counts."""
    nodes: list[ast.AST] = [*scope.body] if isinstance(scope, ast.Module) else [*ast.walk(scope)]
    for node in reversed(nodes):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
