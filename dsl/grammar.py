"""Lark, behind types: reads a text by `grammar.lark`, or says where it stops fitting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Protocol, TypeAlias, cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

Parsed: TypeAlias = "Tree[Token]"


@dataclass(frozen=True)
class Rejected:
    """Where a text stops fitting the grammar.

    start: the offset of what does not fit; at_newline: it is the end of a line
    accepted: Lark's names of the tokens that would fit
    """

    start: int
    at_newline: bool
    accepted: frozenset[str]


class _Reading(Protocol):
    """What is used of Lark's interactive parser, which has no types."""

    def iter_parse(self) -> Iterator[Token]: ...
    def feed_eof(self, last_token: Token | None) -> Parsed: ...
    def accepts(self) -> set[str]: ...


@lru_cache(maxsize=1)
def parser() -> Lark:
    """The parser, built on first use. Never with Lark's cache: that is a pickle in the temp folder."""
    return Lark(text(), parser="lalr", propagate_positions=True, maybe_placeholders=True)


def text() -> str:
    """The grammar."""
    return files("dsl").joinpath("grammar.lark").read_text(encoding="utf-8")


def read(source: str) -> Parsed | Rejected:
    """The tree of a text that ends with a newline."""
    reading = cast(_Reading, cast(Any, parser()).parse_interactive(source))
    try:
        last = None
        for last in reading.iter_parse():  # noqa: B007  the end of the file takes its place from it
            pass
        return reading.feed_eof(last)
    except UnexpectedInput as error:
        return _rejected(source, error, frozenset(reading.accepts()))


def _rejected(source: str, error: UnexpectedInput, accepted: frozenset[str]) -> Rejected:
    if not isinstance(error, UnexpectedToken):
        assert isinstance(error, UnexpectedCharacters)
        return Rejected(cast(Any, error).pos_in_stream, False, accepted)
    token = cast(Token, cast(Any, error).token)
    if token.type == "$END":  # it has the place of the token before
        return Rejected(len(source), False, accepted)
    before = len(token) - 1 if token.type == "_PIPE" else 0  # it begins with the newlines before the sign
    return Rejected((token.start_pos or 0) + before, token.type == "_NL", accepted)
