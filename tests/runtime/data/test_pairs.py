"""Pairs of texts from rows: how they are cut into tokens, and how much of each stays."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.sorts import PAIR, Tokens
from runtime.data import tokens
from runtime.data.pairs import MASK, SEPARATOR, joined
from runtime.data.tokens import BEGIN, END, MASK_ID, UNKNOWN

SORT = Tokens(PAIR, marks=True)


def encoded(sort: Tokens, *texts: str) -> list[list[str]]:
    """The rows as the network gets them, as tokens."""
    tokenised = tokens.tokenise(sort, list(texts))
    vocabulary = tokens.fit(sort, [(tokenised, np.arange(len(texts)))])
    found = tokens.encode(sort, tokenised, vocabulary)
    own = {BEGIN: "<", END: ">", UNKNOWN: "?"}
    words = [own.get(i) or str(vocabulary.token(i)) for i in found.ids.tolist()]
    return [words[a:b] for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True)]


def test_two_texts_have_a_mark_between_and_one_has_none():
    texts = joined(["a b", "a b", ""], ["c", "", ""])
    assert encoded(SORT, *texts) == [["<", "a", "b", ">", "c", ">"], ["<", "a", "b", ">"], ["<", ">"]]


@pytest.mark.parametrize(
    ("most", "kept"),
    [
        (9, "< a b c > d e f >"),
        (8, "< a b c > d e >"),
        (7, "< a b > d e >"),
        (5, "< a > d >"),
    ],
)
def test_of_a_pair_that_is_too_long_both_texts_lose_alike(most: int, kept: str):
    sort = Tokens(PAIR, marks=True, max=most)
    assert encoded(sort, f"a b c{SEPARATOR}d e f") == [kept.split()]


def test_a_short_text_beside_a_long_one_stays_whole():
    sort = Tokens(PAIR, marks=True, max=8)
    assert encoded(sort, f"a{SEPARATOR}c d e f g h", f"c d e f g h{SEPARATOR}a") == [
        ["<", "a", ">", "c", "d", "e", "f", ">"],
        ["<", "c", "d", "e", "f", ">", "a", ">"],
    ]


def test_a_mask_is_the_first_token_of_the_vocabulary_whether_the_text_has_one_or_not():
    for text in ("b a", f"b a {MASK}"):
        tokenised = tokens.tokenise(SORT, [text])
        vocabulary = tokens.fit(SORT, [(tokenised, np.arange(1))])
        assert vocabulary.tokens == (MASK, "a", "b")
        assert vocabulary.index[MASK] == MASK_ID


def test_a_mask_may_be_written_in_capitals():
    assert encoded(SORT, "a [MASK] b") == [["<", "a", MASK, "b", ">"]]


def test_a_mask_stays_whole_where_punctuation_is_split_off():
    sort = Tokens(PAIR, marks=True, punctuation=True)
    assert encoded(sort, f"(a {MASK}).") == [["<", "(", "a", MASK, ")", ".", ">"]]
