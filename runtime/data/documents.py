"""Pairs of sentences of running text: one half the next sentence, one half one of another document."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Follows, Port, Tokens, pair_of
from dsl.errors import DataError, Diagnostic
from runtime.data.asked import Asked, asked_of
from runtime.data.pairs import TWO_TEXTS, room_of
from runtime.data.splits import draws
from runtime.data.tokens import BEGIN, END, Sequences

Ids = NDArray[np.int64]
SCORED = 0
"""In the place of seed and epoch where pairs and masks are always the same."""


@dataclass(frozen=True)
class Pairs:
    """Which sentences stand together. first, second: i64[N]; second is below 0 where there is none; follows: bool[N]"""

    first: Ids
    second: Ids
    follows: NDArray[np.bool_]

    def take(self, rows: Ids) -> Pairs:
        return Pairs(self.first[rows], self.second[rows], self.follows[rows])


@dataclass(frozen=True)
class Documents:
    """Sentences to learn from, whose pairs and masks are drawn anew in each epoch.

    ports: of the model; lines: ids of the words, without marks; starts: of each document its first line, and where the
    last one ends; words: ids of the vocabulary
    """

    ports: tuple[Port, ...]
    lines: Sequences
    starts: Ids
    words: int

    @cached_property
    def pair(self) -> Port:
        found = pair_of(self.ports)
        assert found is not None
        return found

    @cached_property
    def asked(self) -> Asked | None:
        return next(iter(asked_of(self.ports)), None)

    @cached_property
    def follows(self) -> Port | None:
        return next((p for p in self.ports if isinstance(p.sort, Follows)), None)

    @cached_property
    def first(self) -> Ids:
        """The sentences that pairs begin with, those that another one follows; where nothing is asked about that, also
        those that are a document by themselves."""
        alone = np.ones(len(self.lines.lengths), np.bool_)
        alone[self.starts[1:] - 1] = False
        if self.follows is None:
            alone[self.starts[:-1][np.diff(self.starts) == 1]] = True
        return np.flatnonzero(alone)

    @property
    def most(self) -> int:
        """Positions of the longest pair."""
        assert isinstance(self.pair.sort, Tokens)
        longest = TWO_TEXTS + 2 * int(self.lines.lengths.max(initial=1))
        return longest if self.pair.sort.max is None else min(longest, self.pair.sort.max)

    def drawn(self, *key: int) -> Pairs:
        """A pair for each first sentence. Raises no error: `documents` has looked for another document."""
        count, first = len(self.first), self.first
        document = np.searchsorted(self.starts, first, side="right") - 1
        begin, end = self.starts[document], self.starts[document + 1]
        following = np.where(first + 1 < end, first + 1, -1)
        if self.follows is None:
            return Pairs(first, following, np.ones(count, np.bool_))
        follows = draws(count, "sentences that follow", *key) < 0.5
        others = len(self.lines.lengths) - (end - begin)
        other = (draws(count, "other sentences", *key) * others).astype(np.int64)
        other += np.where(other >= begin, end - begin, 0)
        return Pairs(first, np.where(follows, following, other), follows)

    def sizes(self, pairs: Pairs) -> tuple[Ids, Ids]:
        """How many words of each sentence stay."""
        assert isinstance(self.pair.sort, Tokens)
        first, second = self.lines.lengths[pairs.first], np.where(pairs.second < 0, 0, self.lines.lengths[pairs.second])
        if self.pair.sort.max is None:
            return first, second
        return room_of(first, second, self.pair.sort.max - TWO_TEXTS)

    def lengths(self, pairs: Pairs) -> Ids:
        """Positions of each pair."""
        first, second = self.sizes(pairs)
        return first + second + np.where(pairs.second < 0, TWO_TEXTS - 1, TWO_TEXTS)

    def columns(self, pairs: Pairs, *key: int) -> dict[str, Sequences | Ids]:
        """By input and output. key: decides the masks"""
        ids = self._laid_out(pairs)
        found: dict[str, Sequences | Ids] = {self.pair.name: ids}
        if self.asked is not None:
            found[self.pair.name], found[self.asked.name] = self.asked.masked(ids, self.words, *key)
        if self.follows is not None:
            found[self.follows.name] = pairs.follows.astype(np.int64)
        return found

    def _laid_out(self, pairs: Pairs) -> Sequences:
        first, second = self.sizes(pairs)
        lengths = self.lengths(pairs)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        ids = np.full(int(offsets[-1]), END, np.int32)
        starts = offsets[:-1]
        ids[starts] = BEGIN
        for at, line, size in ((starts + 1, pairs.first, first), (starts + 2 + first, pairs.second, second)):
            inside = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
            ids[np.repeat(at, size) + inside] = self.lines.ids[np.repeat(self.lines.offsets[line], size) + inside]
        return Sequences(ids, offsets)

    def take(self, documents: Ids) -> Documents:
        """These documents, in this order."""
        lengths = np.diff(self.starts)[documents]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        inside = np.arange(int(starts[-1])) - np.repeat(starts[:-1], lengths)
        lines = np.repeat(self.starts[documents], lengths) + inside
        return Documents(self.ports, self.lines.take(lines), starts, self.words)


def require_pairs(documents: Documents, part: str) -> None:
    """Raises DataError NN888 where no pair can be drawn."""
    if documents.follows is None and len(documents.lines.lengths):
        return
    if len(documents.first) and len(documents.starts) > 2:
        return
    name = documents.pair.name
    if len(documents.starts) > 2:
        message = f"no document of the {part} rows of `{name}` has two sentences"
    else:
        message = f"the {part} rows of `{name}` are {'one document' if len(documents.starts) > 1 else 'empty'}"
        message += ": there is no sentence of another one" if len(documents.starts) > 1 else ""
    help = "a line is a sentence, and an empty line parts two documents"
    help += "" if part == "train" else f"; a larger share for {part} has more of them"
    raise DataError(Diagnostic("NN888", message, documents.pair.span, help=help))


def parted(lengths: Ids, begins: Ids) -> tuple[Ids, Ids]:
    """The lines that have words, and the number of the document of each: empty lines part documents.

    lengths: words of all lines; begins: the lines with which files begin
    """
    lines = np.flatnonzero(lengths)
    gaps = np.cumsum(lengths == 0)
    files = np.searchsorted(begins, np.arange(len(lengths)), side="right")
    mark = (gaps + (len(lengths) + 1) * files)[lines]
    new = np.concatenate([[True], mark[1:] != mark[:-1]]) if len(mark) else np.zeros(0, np.bool_)
    return lines, np.cumsum(new) - 1
