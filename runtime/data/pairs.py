"""Two texts as one row: begin A end B end; one text alone is begin A end."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
SEPARATOR = "\0"
"""Between the texts of a pair as they are read, and the token between them: no text holds one. Its id is an end's."""
MASK = "[mask]"
"""The token that stands where one is masked: the first of a pair's vocabulary. Who writes it, in capitals too, asks for
a word."""
_MASKS = re.compile(re.escape(MASK), re.IGNORECASE)
ONE_TEXT, TWO_TEXTS = 2, 3
"""Marks."""


def joined(first: Sequence[str], second: Sequence[str]) -> list[str]:
    return [f"{a}{SEPARATOR}{b}" if b else a for a, b in zip(first, second, strict=True)]


def splitter(words: Callable[[str], Sequence[str]]) -> Callable[[str], Sequence[str]]:
    """words: cuts one text; what stands for a mask stays whole."""

    def tokens(text: str) -> list[str]:
        first, *others = _MASKS.split(text)
        found = list(words(first))
        for other in others:
            found += (MASK, *words(other))
        return found

    def split(text: str) -> list[str]:
        first, *others = text.split(SEPARATOR)
        found = tokens(first)
        for other in others:
            found += (SEPARATOR, *tokens(other))
        return found

    return split


def room_of(first: Ids, second: Ids, most: int) -> tuple[Ids, Ids]:
    """How many tokens of each text stay where both have to fit: of the longer one goes what is too much, of both where
    both are long."""
    kept = np.minimum(first, np.maximum(most - second, most - most // 2))
    return kept, np.minimum(second, most - kept)


def cut(tokens: Sequence[str], most: int) -> Sequence[str]:
    """A row of tokens that fits beside its marks. most: positions"""
    if SEPARATOR not in tokens:
        return tokens[: most - ONE_TEXT]
    at = tokens.index(SEPARATOR)
    sizes = np.array([[at], [len(tokens) - at - 1]])
    first, second = room_of(sizes[0], sizes[1], most - TWO_TEXTS)
    return [*tokens[: int(first[0])], SEPARATOR, *tokens[at + 1 : at + 1 + int(second[0])]]


def segments(ids: Ids, lengths: Ids, end: int) -> Ids:
    """i64[B, T]: 1 in the first text with its marks, 2 in the second, 0 in the padding. end: the id of that mark"""
    is_end = ids == end
    behind = np.cumsum(is_end, axis=1) - is_end
    return np.where(np.arange(ids.shape[1]) < lengths[:, None], 1 + (behind > 0), 0)
