"""Pieces of words: learnt as the paper says, and put together again to the letter."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.data.bpe import LONGEST, joined, learn, pieces, splitter

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.text("ab c\t\n1é\u0301.", max_size=40)


def cut(text: str, vocabulary: tuple[str, ...]) -> list[str]:
    index = {piece: i for i, piece in enumerate(vocabulary)}
    return [piece for part in splitter()(text) for piece in pieces(part, index)]


def learnt_slowly(counts: dict[str, int], most: int, least: int) -> tuple[str, ...]:
    """Algorithm 1 of the paper: all neighbours are counted anew for each piece."""
    letters = Counter(letter for part, n in counts.items() for letter in part for _ in range(n))
    known = sorted((a for a in letters if letters[a] >= least), key=lambda a: (-letters[a], a))[:most]
    words = [(list(run), n) for part, n in counts.items() for ok, run in groupby(part, known.__contains__) if ok]
    while len(known) < most:
        pairs: Counter[tuple[str, str]] = Counter()
        for word, n in words:
            for pair in pairwise(word):
                pairs[pair] += n
        if not pairs or max(pairs.values()) < max(2, least):
            break
        first = min(pairs, key=lambda pair: (-pairs[pair], pair))
        if "".join(first) not in known:
            known.append("".join(first))
        for word, _ in words:
            at = 0
            while at + 1 < len(word):
                if (word[at], word[at + 1]) == first:
                    word[at : at + 2] = ["".join(first)]
                at += 1
    return tuple(known)


@given(TEXTS, st.lists(TEXTS, max_size=4), st.integers(1, 60))
def test_pieces_of_any_text_make_that_text(text: str, others: list[str], most: int):
    vocabulary = learn(Counter(part for other in others for part in splitter()(other)), most)
    found = cut(text, vocabulary)
    assert joined(found) == text
    assert all(piece in vocabulary or len(piece) == 1 for piece in found)


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=8), st.integers(1, 9), max_size=8),
    st.integers(1, 30),
    st.integers(1, 4),
)
def test_pieces_are_those_of_the_paper(counts: dict[str, int], most: int, least: int):
    assert learn(counts, most, least) == learnt_slowly(counts, most, least)


def test_frequent_words_are_one_piece_and_rare_ones_several():
    text = "the lower the better , the lowest and the lower " * 2 + "lowing"
    vocabulary = learn(Counter(splitter()(text)), 60)
    assert cut("x lowing the lower", vocabulary) == [" ", "x", " low", "i", "n", "g", " the", " lower"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", []),
        (" ", ["  "]),
        ("It's 7.5!", [" It", "'", "s", " 7", ".", "5", "!"]),
        ("a  b\tc ", [" a", " ", " b", "\t", "c", " "]),
        ("cafe\u0301 x1", [" cafe\u0301", " x", "1"]),
        ("我在这里。", [" 我在这里", "。"]),
    ],
)
def test_text_is_read_as_letters_digits_and_marks(text: str, parts: list[str]):
    assert splitter()(text) == parts


def test_word_without_an_end_is_read_in_stretches():
    parts = splitter()("a" * 10 * LONGEST)
    assert max(map(len, parts)) == LONGEST
    assert joined(parts) == "a" * 10 * LONGEST
