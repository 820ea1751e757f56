"""From the text of a spec to its AST."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dsl import ast, grammar, lexical, syntax
from dsl.build import Builder
from dsl.characters import checked
from dsl.characters import decode as decode
from dsl.errors import Diagnostic, SpecError
from dsl.lexical import Source
from dsl.outline import place
from dsl.structure import wrong_structure

MOST_SYNTAX_ERRORS = 10
MOST_TOKENS_AGAIN = 20_000  # that are parsed again, all in all, to find more than one syntax error


def parse(text: str | bytes, file: str) -> ast.Spec:
    """The AST of a spec. Raises SpecError with all the errors that can be told in one run: all of its characters and
    tokens; or the first of its brackets, size and version; or the first of each statement and declaration."""
    source, tokens = tokenize(text, file)
    tree, wrong = _tree(source, tokens)
    builder = Builder(source)
    spec = builder.spec(tree) if tree is not None else None
    wrong += builder.wrong
    if spec is None or wrong:
        raise SpecError(sorted(wrong, key=_order))
    return spec


def tokenize(text: str | bytes, file: str) -> tuple[Source, tuple[lexical.Token, ...]]:
    """The tokens of a spec, comments and newlines among them. Raises SpecError for what needs no grammar to be wrong.

    The source ends with a newline, put there if need be.
    """
    plain = decode(text, file) if isinstance(text, bytes) else checked(text, file)
    source = Source(file, plain if plain.endswith("\n") else plain + "\n")
    tokens, wrong = lexical.scan(source)
    if wrong:
        raise SpecError(wrong)
    structure = wrong_structure(source, tokens)
    if structure is not None:
        raise SpecError(structure)
    return source, tokens


def _tree(source: Source, tokens: Sequence[lexical.Token]) -> tuple[grammar.Parsed | None, list[Diagnostic]]:
    """The tree of what is right, and an error for each statement that is not. None where that cannot be told apart."""
    text = source.text
    wrong: list[Diagnostic] = []
    for _ in range(max(1, min(MOST_SYNTAX_ERRORS, MOST_TOKENS_AGAIN // max(len(tokens), 1)))):
        result = grammar.read(text)
        if not isinstance(result, grammar.Rejected):
            return result, wrong
        left = [token for token in tokens if text[token.start] == source.text[token.start]]
        where = place(left, result.start, result.at_newline)
        wrong.append(syntax.explain(source, where, result.accepted))
        start, stop = where.extent
        shorter = text[:start] + re.sub(r"[^\n]", " ", text[start:stop]) + text[stop:]
        if shorter == text:
            break
        text = shorter
    return None, wrong


def _order(diagnostic: Diagnostic) -> tuple[int, int]:
    span = diagnostic.span
    return (span.line, span.column) if span else (0, 0)
