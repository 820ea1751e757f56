"""Words by their characters: which words stand where, and each different one spelled once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Tokens
from compiler.views import Apart, Sentence
from runtime.data import tokens
from runtime.data.tokens import OWN_IDS, Sequences, Tokenised, Vocabulary

NARROW = 32
"""Characters up to which words are padded to a multiple of 8: most words of a language are short."""


Ids: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Spelled(Sequences):
    """Rows of numbers of words, from 1 on, end to end; word i is spelled by row i - 1 of letters."""

    letters: Sequences

    def take(self, rows: NDArray[np.int64]) -> Spelled:
        """These rows, in this order."""
        taken = super().take(rows)
        return Spelled(taken.ids, taken.offsets, self.letters)

    @cached_property
    def _rare_words(self) -> list[tuple[int, NDArray[np.int64]]]:
        """For some numbers n: how many different words each row has beside the n that most rows have, most first."""
        every = len(self.letters.lengths) + 1
        rows = np.repeat(np.arange(len(self.lengths)), self.lengths)
        row, word = np.divmod(np.unique(rows * every + self.ids), every)
        order = np.argsort(-np.bincount(word, minlength=every), kind="stable")
        rank = np.empty(every, np.int64)
        rank[order] = np.arange(every)
        ranks = rank[word]
        common = [0, *(1 << i for i in range(every.bit_length()))]
        found = ((n, np.bincount(row[ranks >= n], minlength=len(self.lengths))) for n in common)
        return [(n, np.sort(counts)[::-1]) for n, counts in found]

    @cached_property
    def _used(self) -> NDArray[np.int64]:
        used = np.unique(self.ids)
        return used[used > 0].astype(np.int64) - 1

    def used(self) -> Sequences:
        """The words of these rows, each once."""
        return self.letters.take(self._used)

    def most_words(self, rows: int, positions: int | None = None) -> int:
        """Different words that so many of these rows, or of their positions, have at most, as they are padded."""
        most = positions if positions is not None else min(n + int(c[:rows].sum()) for n, c in self._rare_words)
        return padded_words(1 + min(most, len(self._used)))

    def most_letters(self) -> int:
        """Characters that the longest word takes when it is padded."""
        return padded_letters(int(self.letters.lengths[self._used].max(initial=1)))

    def of_batch(self, where: Ids, bucket: bool) -> tuple[Ids, Ids, Ids]:
        """where: i64[B, T], a batch's numbers of words -> i64[B, T], numbers among the different words of the batch;
        i64[W, K], how these are spelled; i64[W], their lengths. Word 0 is that of the padding.

        bucket: round W and K up to few different ones
        """
        different, places = np.unique(where, return_inverse=True)
        # Where nothing is padded, the padding has no word among them.
        lacking = int(different[0] > 0)
        words = different[1 - lacking :] - 1
        longest, count = int(self.letters.lengths[words].max(initial=1)), len(words) + 1
        shape = (padded_words(count), padded_letters(longest)) if bucket else (count, longest)
        spelled, lengths = np.zeros(shape, np.int64), np.ones(shape[0], np.int64)
        spelled[1:count], lengths[1:count] = self.letters.padded(words, shape[1])
        return places.reshape(where.shape) + lacking, spelled, lengths


def padded_words(count: int) -> int:
    """Few different numbers: 16, 32, then half powers of two."""
    step = max(16, (1 << (count - 1).bit_length()) // 4)
    return -(-count // step) * step


def padded_letters(longest: int) -> int:
    step = 8 if longest <= NARROW else (1 << (longest - 1).bit_length()) // 4
    return -(-longest // step) * step


def letters_of(view: Apart) -> Tokens:
    """What the characters of a word, or the words of a sentence, are like."""
    if isinstance(view, Sentence):
        return Tokens("words", view.lower, view.punctuation, view.min, keep=view.keep)
    return Tokens("chars", min=view.min, max=view.max + (2 if view.marks else 0), marks=view.marks)


def spelling(view: Apart, tokenised: Tokenised) -> Tokenised:
    """The characters of each type, and last of one that has none."""
    return tokens.tokenise(letters_of(view), [*tokenised.names, ""])


def encode(like: Tokens, view: Apart, text: Tokenised, letters: Tokenised, vocabulary: Vocabulary) -> Spelled:
    """like: how the tokens of the text are put in order. Marks around a text, and what an empty one holds, have no
    characters."""
    own = tokens.encode(like, text, Vocabulary(tuple(text.names)))
    words = np.where(own.ids >= OWN_IDS, own.ids - (OWN_IDS - 1), len(text.names) + 1).astype(np.int32)
    return Spelled(words, own.offsets, tokens.encode(letters_of(view), letters, vocabulary))
