"""Tagging schemes: what they allow, how spans are read, and words as tags."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from runtime.data import labels
from runtime.data.schemes import (
    UNKNOWN_INSIDE,
    Scheme,
    canonical,
    complete,
    legal,
    recognised,
    span_scores,
    spans,
    tags_of_words,
    words_of,
)

Found = list[tuple[int, int, str]]


def conlleval(tags: list[str]) -> Found:
    """The two questions of conlleval.pl, as it asks them: does a chunk end here, does one begin."""
    found: Found = []
    start = None
    for i, (last, tag) in enumerate(itertools.pairwise(["O", *tags, "O"])):
        (last_tag, _, last_type), (tag_, _, type_) = last.partition("-"), tag.partition("-")
        ends = (last_tag, tag_) in {("B", "B"), ("B", "O"), ("I", "B"), ("I", "O")}
        begins = (last_tag, tag_) in {("B", "B"), ("I", "B"), ("O", "B"), ("O", "I")}
        ends = ends or (last_tag != "O" and last_type != type_)
        begins = begins or (tag_ != "O" and last_type != type_)
        if ends and start is not None:
            found.append((start, i - 1, last_type))
            start = None
        if begins:
            start = i
    return found


def spans_of(tags: list[str], names: tuple[str, ...], starts: list[int] | None = None) -> Found:
    ids = np.array([names.index(tag) for tag in tags], np.int64)
    types = sorted({name.partition("-")[2] for name in names})
    read = spans(names, ids, np.array(starts or [0], np.int64))
    return [(int(a), int(b), types[t]) for a, b, t in zip(read.first, read.last, read.type, strict=True)]


@pytest.mark.parametrize("seed", range(50))
def test_spans_are_those_of_conlleval(seed: int):
    rng = random.Random(seed)
    names = ("O", *(f"{p}-{t}" for p in "BI" for t in ("NP", "VP")))
    tags = rng.choices(names, k=30)
    assert spans_of(tags, names) == conlleval(tags)


@pytest.mark.parametrize(
    ("tags", "wanted"),
    [
        ("O I-X I-X O", [(1, 2, "X")]),
        ("B-X I-Y", [(0, 0, "X"), (1, 1, "Y")]),
        ("B-X B-X I-X", [(0, 0, "X"), (1, 2, "X")]),
        ("I-X B-X", [(0, 0, "X"), (1, 1, "X")]),
        ("S-X I-X E-X E-X", [(0, 0, "X"), (1, 2, "X"), (3, 3, "X")]),
        ("B I E S O I", [(0, 2, ""), (3, 3, ""), (5, 5, "")]),
        ("O O", []),
    ],
)
def test_spans_of_tags_by_hand(tags: str, wanted: Found):
    several = tags.split()
    assert spans_of(several, tuple(sorted(set(several)))) == wanted


def test_spans_end_with_their_row():
    assert spans_of(["B-X", "I-X", "I-X", "I-X"], ("B-X", "I-X"), [0, 1, 3]) == [(0, 0, "X"), (1, 2, "X"), (3, 3, "X")]


def test_tag_that_training_lacks_is_a_span_that_nobody_finds():
    names = ("O", "B-X", "I-X")
    truth = np.array([1, 2, labels.UNKNOWN, UNKNOWN_INSIDE, labels.UNKNOWN, labels.NONE, 2])
    found = np.array([1, 2, 1, 2, 1, 0, 1])
    start = np.array([0])
    scores = span_scores(spans(names, truth, start), spans(names, found, start))
    assert (scores.right, scores.found, scores.there) == (2, 4, 4)
    assert scores.precision == scores.recall == scores.f1 == 0.5


def test_scores_without_any_span_are_zero():
    none = spans(("O", "B-X"), np.zeros(3, np.int64), np.array([0]))
    scores = span_scores(none, none)
    assert (scores.precision, scores.recall, scores.f1) == (0, 0, 0)


@pytest.mark.parametrize(
    ("rows", "scheme"),
    [
        ("B-X I-X O/O B-Y", "BIO"),
        ("O O", "BIO"),
        ("I-X I-X O/I-Y O", "IOB1"),
        ("I-X B-X I-X I-Y", "IOB1"),
        ("B-X I-X/B-X O/O I-Y", "BIO"),
        ("B-X E-X O", "BIOES"),
        ("O S-X O", "BIOES"),
        ("B E", "BIOES"),
    ],
)
def test_scheme_is_recognised_by_how_its_spans_begin(rows: str, scheme: Scheme):
    assert recognised([row.split() for row in rows.split("/")]) == scheme


def test_tags_are_completed_by_those_of_longer_spans():
    assert complete(["O", "B-LST"], "BIO") == ("O", "B-LST", "I-LST")
    assert complete(["S-X", "S-Y"], "BIOES") == (
        "O", "B-X", "I-X", "E-X", "S-X", "B-Y", "I-Y", "E-Y", "S-Y",
    )  # fmt: skip
    assert complete(["B", "I"], "BIO") == ("O", "B", "I")


@pytest.mark.parametrize("scheme", ["BIO", "IOB1", "BIOES"])
@pytest.mark.parametrize("seed", range(20))
def test_canonical_tags_mark_the_same_spans_legally(scheme: Scheme, seed: int):
    rng = random.Random(seed)
    given = rng.choices(complete(["B-X", "B-Y"], "BIOES"), k=12)
    tags = canonical(given, scheme)
    every = ("O", *(f"{p}-{t}" for p in "BIES" for t in "XY"))
    assert spans_of(tags, every) == spans_of(given, every)
    assert canonical(tags, scheme) == tags
    names = complete(given, scheme)
    allowed, ids = legal(names, scheme), [names.index(tag) for tag in tags]
    assert all(allowed[a, b] for a, b in itertools.pairwise([-1, *ids, -1]))


@pytest.mark.parametrize("scheme", ["BIO", "IOB1", "BIOES", "BMES"])
def test_legal_tags_are_those_that_are_canonical(scheme: Scheme):
    """Every sequence of four tags: legal just where writing its spans as the scheme does changes nothing."""
    names = complete(["B-X", "B-Y"] if scheme != "BIOES" else ["B-X"], scheme)
    allowed = legal(names, scheme)
    for ids in itertools.product(range(len(names)), repeat=4):
        tags = [names[i] for i in ids]
        fine = all(allowed[a, b] for a, b in itertools.pairwise([-1, *ids, -1]))
        assert fine == (canonical(tags, scheme) == tags), tags


@pytest.mark.parametrize("line", ["我 愛 自然語言 處理 了", "a", "", "ab"])
def test_words_come_back_from_their_tags(line: str):
    words = line.split()
    tags = tags_of_words(words)
    assert words_of("".join(words), tags) == words
    assert tags == [tag for word in words for tag in ("S" if len(word) == 1 else "B" + "M" * (len(word) - 2) + "E")]


@pytest.mark.parametrize("seed", range(10))
def test_words_of_any_tags_are_their_spans(seed: int):
    tags = random.Random(seed).choices("BMES", k=9)
    read = spans(("B", "E", "M", "S"), np.array(["BEMS".index(t) for t in tags]), np.array([0]))
    words = words_of("abcdefghi", tags)
    assert [len(word) for word in words] == (read.last - read.first + 1).tolist()
    assert "".join(words) == "abcdefghi"
