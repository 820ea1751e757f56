"""Words by their characters: which words stand where, and each different one spelled once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Tokens
from compiler.views import Spelling
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
    def words_of_rows(self) -> NDArray[np.int64]:
        """How many different words each row has, the largest number first."""
        rows = np.repeat(np.arange(len(self.lengths)), self.lengths)
        different = np.unique(rows * (len(self.letters.lengths) + 1) + self.ids)
        found = np.bincount(different // (len(self.letters.lengths) + 1), minlength=len(self.lengths))
        return np.sort(found)[::-1]

    @cached_property
    def _used(self) -> NDArray[np.int64]:
        used = np.unique(self.ids)
        return used[used > 0].astype(np.int64) - 1

    def used(self) -> Sequences:
        """The words of these rows, each once."""
        return self.letters.take(self._used)

    def most_words(self, rows: int, positions: int | None = None) -> int:
        """Different words that so many of these rows, or of their positions, have at most, as they are padded."""
        most = int(self.words_of_rows[:rows].sum()) if positions is None else positions
        return padded_words(1 + min(most, len(self._used)))

    def most_letters(self) -> int:
        """Characters that the longest word takes when it is padded."""
        return padded_letters(int(self.letters.lengths[self._used].max(initial=1)))

    def letter_widths(self) -> NDArray[np.int64]:
        """The padded lengths that the longest word of a batch can have."""
        return np.unique([padded_letters(int(n)) for n in np.unique(self.letters.lengths[self._used])] or [1])

    def word_widths(self, rows: int) -> NDArray[np.int64]:
        """The padded numbers of different words that so many rows can have; those with fewest at once are the least."""
        least, most = 1 + int(self.words_of_rows[-rows:].max(initial=0)), self.most_words(rows)
        return np.array([n for n in _half_powers(most) if n >= min(padded_words(least), most)], np.int64)

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


def _half_powers(most: int) -> list[int]:
    """What padded_words gives, up to a number that it gives."""
    found = [16]
    while found[-1] < most:
        found.append(padded_words(found[-1] + 1))
    return found


def padded_letters(longest: int) -> int:
    step = 8 if longest <= NARROW else (1 << (longest - 1).bit_length()) // 4
    return -(-longest // step) * step


def letters_of(view: Spelling) -> Tokens:
    """What the characters of a word are like."""
    return Tokens("chars", min=view.min, max=view.max + (2 if view.marks else 0), marks=view.marks)


def spelling(view: Spelling, tokenised: Tokenised) -> Tokenised:
    """The characters of each type, and last of one that has none."""
    return tokens.tokenise(letters_of(view), [*tokenised.names, ""])


def encode(like: Tokens, view: Spelling, text: Tokenised, letters: Tokenised, vocabulary: Vocabulary) -> Spelled:
    """like: how the tokens of the text are put in order. Marks around a text, and what an empty one holds, have no
    characters."""
    own = tokens.encode(like, text, Vocabulary(tuple(text.names)))
    words = np.where(own.ids >= OWN_IDS, own.ids - (OWN_IDS - 1), len(text.names) + 1).astype(np.int32)
    return Spelled(words, own.offsets, tokens.encode(letters_of(view), letters, vocabulary))
