"""Texts to tokens to ids."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compiler.sorts import Tokens
from runtime import data
from runtime.data.tokens import Vocabulary, encode, fit, splitter, tokenise
from tests.runtime.data.build import LABEL, TEXT, port

WORDS = Tokens("words")


def ids(sort: Tokens, texts: list[str]) -> list[list[int]]:
    """Of texts, by the vocabulary that they themselves give."""
    tokenised = tokenise(sort, texts)
    vocabulary = fit(sort, [(tokenised, np.arange(len(texts)))])
    found = encode(sort, tokenised, vocabulary)
    return [found.ids[a:b].tolist() for a, b in zip(found.offsets, found.offsets[1:], strict=False)]


@pytest.mark.parametrize(
    ("sort", "text", "tokens"),
    [
        (WORDS, " it  was\u00a0good.\u2028 ", ["it", "was", "good."]),
        (WORDS, "", []),
        (Tokens("words", lower=True), "It WAS É", ["it", "was", "é"]),
        (
            Tokens("words", punctuation=True),
            "(\"don't!) so-so ...",
            ["(", '"', "don't", "!", ")", "so-so", ".", ".", "."],
        ),
        (Tokens("words", punctuation=True), "5$ 很好。", ["5$", "很好", "。"]),
        (Tokens("chars"), "e\u0301 x", ["é", " ", "x"]),
        (Tokens("chars", lower=True), "AÉ", ["a", "é"]),
        (Tokens("chars"), "", []),
    ],
)
def test_a_text_is_cut_into_tokens(sort, text, tokens):
    assert list(splitter(sort)(text)) == tokens


def test_ids_go_by_frequency_then_by_text():
    assert ids(WORDS, ["b a c a", "c"]) == [[6, 4, 5, 4], [5]]


def test_an_empty_text_is_one_padding_position():
    assert ids(WORDS, ["", "a", ""]) == [[0], [4], [0]]


def test_marks_are_put_around_even_an_empty_text():
    assert ids(Tokens("words", marks=True), ["", "a b"]) == [[2, 3], [2, 4, 5, 3]]


def test_reverse_turns_the_tokens_but_not_the_marks():
    assert ids(Tokens("words", reverse=True), ["a b c", "", "a b"]) == [[6, 5, 4], [0], [5, 4]]
    assert ids(Tokens("words", reverse=True, marks=True), ["a b c"]) == [[2, 6, 5, 4, 3]]


def test_max_keeps_the_first_positions_and_counts_the_marks():
    assert ids(Tokens("words", max=2), ["a b c", "a"]) == [[4, 5], [4]]
    assert ids(Tokens("words", max=3, marks=True), ["a b c"]) == [[2, 4, 3]]
    assert ids(Tokens("words", max=2, reverse=True), ["a b c"]) == [[5, 4]]


def test_min_and_keep_leave_the_rare_unknown():
    assert ids(Tokens("words", min=2), ["a a b"]) == [[4, 4, 1]]
    assert ids(Tokens("words", keep=1), ["a b b"]) == [[1, 4, 4]]


def test_the_vocabulary_is_that_of_the_training_rows(read_bytes):
    from compiler.settings.data import Share
    from tests.runtime.data.build import SPEC

    content = b"1\ta\n0\ta\n1\ta\n0\tnew\n"
    found = read_bytes(content, test=Share(0.25, True, SPEC))
    assert found.tables.vocabularies["text"].tokens == ("a",)
    assert found.test.columns["text"].ids.tolist() == [1]
    assert found.tables.sizes() == {"V": 5, "classes": 2}


def test_a_shared_vocabulary_counts_the_texts_of_all(read_bytes):
    ports = (port("a", WORDS), port("b", Tokens("words", vocabulary="a")), LABEL)
    found = read_bytes(b"1\tx\ty\n0\ty\tz\n", ports=ports)
    assert found.tables.vocabularies == {"a": Vocabulary(("y", "x", "z"))}
    assert found.train.columns["b"].ids.tolist() == [4, 6]
    assert data.encode(ports, found.tables, [["z", "q"]]).columns["b"].ids.tolist() == [1]


def test_two_vocabularies_have_sizes_of_their_own(read_bytes):
    ports = (port("a", WORDS), port("b", WORDS), LABEL)
    found = read_bytes(b"1\tx\ty\n0\ty\tz w\n", ports=ports)
    assert found.tables.sizes() == {"V.a": 6, "V.b": 7, "classes": 2}


def test_cut_texts_are_counted_and_said(read_bytes):
    ports = (replace(TEXT, sort=Tokens("words", max=2)), LABEL)
    (warning,) = read_bytes(b"1\ta b c d\n0\ta b\n1\ta b c\n", ports=ports).warnings
    assert warning.code == "NN721"
    assert warning.severity == "warning"
    assert "2 of 3 texts" in warning.message
    assert "3 words cut off" in warning.message


def test_sticking_punctuation_is_said_once(read_bytes):
    content = b"1\tso good.\n0\tso bad.\n"
    (warning,) = read_bytes(content).warnings
    assert warning.code == "NN722"
    assert not read_bytes(content, ports=(replace(TEXT, sort=Tokens("words", punctuation=True)), LABEL)).warnings
    assert not read_bytes(b"1\tso good .\n0\tso bad ...\n").warnings
