"""The blocks and cells that come with the language: written in it, without privileges, read only when one is used."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from compiler.scope import BlockBinding, Scope
from dsl import ast
from dsl.parse import parse

_DECLARED = re.compile(r"^(?:block|cell) +(\w+)", re.MULTILINE)


@cache
def texts() -> tuple[tuple[str, str], ...]:
    """Every file of the library, as it is shown in errors, with its text."""
    found = sorted((f for f in (files("dsl") / "library").iterdir() if f.name.endswith(".nn")), key=lambda f: f.name)
    return tuple((f"library/{f.name}", f.read_text(encoding="utf-8")) for f in found)


@cache
def names() -> tuple[str, ...]:
    """What the library declares, found without parsing it: that would be felt at every start."""
    return tuple(name for _, text in texts() for name in _DECLARED.findall(text))


@cache
def _bindings(file: str, text: str) -> dict[str, BlockBinding]:
    scope = Scope()
    for d in parse(text, file).declarations:
        if isinstance(d, (ast.Block, ast.Cell)):
            scope.names[d.name.id] = BlockBinding(d, scope, d.name.span)
    return {name: b for name, b in scope.names.items() if isinstance(b, BlockBinding)}


def find(name: str) -> BlockBinding | None:
    """The library's block or cell of that name."""
    if name not in names():
        return None
    return next((found[name] for file, text in texts() if name in (found := _bindings(file, text))), None)


def written(name: str) -> str | None:
    """The text of a block or cell of the library, as it stands there; None for what is none."""
    binding = find(name)
    if binding is None:
        return None
    span, text = binding.block.span, dict(texts())[binding.span.file]
    return "\n".join(text.splitlines()[span.line - 1 : span.end_line])
