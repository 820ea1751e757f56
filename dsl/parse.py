"""From the text of a spec to its AST."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

from dsl import ast
from dsl.build import Builder
from dsl.characters import checked
from dsl.characters import decode as decode
from dsl.errors import Diagnostic, SpecError
from dsl.source import Span


@lru_cache(maxsize=1)
def parser() -> Lark:
    """The parser, built on first use. Never with Lark's cache: that is a pickle in the temp folder."""
    grammar = files("dsl").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", propagate_positions=True, maybe_placeholders=True)


def parse(text: str | bytes, file: str) -> ast.Spec:
    """The AST of a spec. Raises SpecError with all the errors that can be told in one run."""
    source = decode(text, file) if isinstance(text, bytes) else checked(text, file)
    if not source.endswith("\n"):
        source += "\n"
    return Builder(file, source.split("\n")).spec(_tree(source, file))


def _tree(source: str, file: str) -> Tree[Token]:
    try:
        return parser().parse(source)
    except UnexpectedInput as error:
        line = max(getattr(error, "line", 1), 1)
        column = max(getattr(error, "column", 1), 1)
        lines = source.split("\n")
        line = min(line, len(lines))
        span = Span(file, line, column, line, column + 1, lines[line - 1])
        raise SpecError(Diagnostic("NN120", "this cannot stand here", span)) from None
