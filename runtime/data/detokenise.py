"""From tokens back to text, as it is written: what `splitter` cut is put together again."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from compiler.sorts import SUBWORDS, Tokens
from runtime.data.streams import LINE_END

NO_SPACE_BEFORE = frozenset(".,;:!?)")
NO_SPACE_AFTER = frozenset("(")


def joined(sort: Tokens, tokens: Iterable[str]) -> str:
    """A line of these tokens."""
    return "".join(added(sort, before, token) for before, token in pairwise([LINE_END, *tokens]))


def added(sort: Tokens, before: str, token: str) -> str:
    """What a token adds to a text. before: the token before it, a line's end where a line begins"""
    if token == LINE_END:
        return "\n"
    if sort.unit == SUBWORDS:
        # A piece has the space before it.
        return token.removeprefix(" ") if before == LINE_END else token
    return f"{' ' if _apart(sort, before, token) else ''}{token}"


def _apart(sort: Tokens, before: str, token: str) -> bool:
    """Whether a space stands between the two."""
    if sort.unit == "chars" or before == LINE_END:
        return False
    return not sort.punctuation or (token not in NO_SPACE_BEFORE and before not in NO_SPACE_AFTER)
