"""Pairs of sentences and masks, against what the paper says in words."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.sorts import PAIR, Follows, Masked, Port, Tokens
from dsl.errors import DataError
from runtime.data.assembly.documents import to_score
from runtime.data.batches import batches, largest_sizes
from runtime.data.documents import Documents, parted, require_pairs
from runtime.data.labels import NONE
from runtime.data.rows import of_documents
from runtime.data.tokens import BEGIN, END, MASK_ID, UNKNOWN, Sequences
from tests.runtime.data.build import SPEC

WORDS = 40
FIRST = MASK_ID + 1


def ports(most: int | None = 12, rate: float = 0.5, *, follows: bool = True) -> tuple[Port, ...]:
    pair = Port("pair", Tokens(PAIR, marks=True, max=most), False, SPEC)
    made = [Port("word", Masked(rate), True, SPEC, "pair"), Port("follows", Follows("pair"), True, SPEC)]
    return (pair, *(made if follows else made[:1]))


def documents(*texts: list[list[int]], **how: object) -> Documents:
    lines = [line for text in texts for line in text]
    ids = np.array([i for line in lines for i in line], np.int32)
    offsets = np.cumsum([0, *(len(line) for line in lines)])
    starts = np.cumsum([0, *(len(text) for text in texts)])
    return Documents(ports(**how), Sequences(ids, offsets), starts, WORDS)  # type: ignore[arg-type]


def random_documents(**how: object) -> Documents:
    rng = np.random.default_rng(1)
    texts = [
        [rng.integers(FIRST, WORDS, rng.integers(1, 9)).tolist() for _ in range(rng.integers(1, 6))] for _ in range(30)
    ]
    return documents(*texts, **how)


def rows_of(column: Sequences) -> list[list[int]]:
    return [column.ids[a:b].tolist() for a, b in zip(column.offsets[:-1], column.offsets[1:], strict=True)]


def test_a_pair_is_begin_one_sentence_end_the_other_end():
    two = documents([[10, 11], [12]], [[20], [21, 22]])
    found = two.drawn(7)
    shown = rows_of(two._laid_out(found))
    lines = [[10, 11], [12], [20], [21, 22]]
    pairs = zip(found.first, found.second, strict=True)
    assert shown == [[BEGIN, *lines[a], END, *lines[b], END] for a, b in pairs]


def test_the_second_sentence_follows_or_is_of_another_document():
    some = random_documents()
    document = np.repeat(np.arange(30), np.diff(some.starts))
    seen = set()
    for epoch in range(20):
        found = some.drawn(1, epoch)
        for a, b, follows in zip(found.first, found.second, found.follows, strict=True):
            assert (b == a + 1 and document[a] == document[b]) if follows else document[a] != document[b]
        seen |= {b for b, follows in zip(found.second.tolist(), found.follows, strict=True) if not follows}
    assert seen == set(range(len(document)))


def test_one_half_of_the_pairs_follow():
    some = random_documents()
    share = np.mean([some.drawn(1, epoch).follows.mean() for epoch in range(50)])
    assert 0.47 < share < 0.53


def test_each_epoch_draws_anew_and_the_same_epoch_alike():
    some = random_documents()
    first, again, next_ = (some.drawn(3, epoch).second.tolist() for epoch in (1, 1, 2))
    assert first == again != next_


def test_the_longer_sentence_is_cut_first():
    long, short = list(range(10, 20)), [30, 31]
    two = documents([long, short], [long, long], most=11)
    found = two.drawn(5)
    rows = rows_of(two._laid_out(found))
    assert {len(row) for row in rows} == {11}
    # 8 words stay: 6 beside 2, 4 of each where both are long.
    assert all(row[1:7] == long[:6] or row[1:5] == long[:4] for row in rows)
    assert [len(row) for row in rows] == two.lengths(found).tolist()


def test_masks_take_their_share_of_each_row_and_never_a_mark_or_an_unknown_word():
    column = Sequences(np.array([BEGIN, *range(10, 26), UNKNOWN, END, UNKNOWN, END], np.int32), np.array([0, 19, 21]))
    asked = of_documents(random_documents(rate=0.25)).asked[0]
    shown, targets = asked.masked(column, WORDS, 4)
    was_asked = targets.ids != NONE
    assert (targets.ids[was_asked] == column.ids[was_asked]).all()
    assert was_asked[:19].sum() == round(19 * 0.25)
    assert not was_asked[[0, 17, 18, 19, 20]].any()
    assert (shown.ids[~was_asked] == column.ids[~was_asked]).all()


def test_of_the_tokens_asked_about_eight_in_ten_are_masked_and_one_stays():
    column = Sequences(np.full(40_000, 20, np.int32), np.arange(0, 40_001, 40))
    asked = of_documents(random_documents(rate=0.5)).asked[0]
    shown, targets = asked.masked(column, WORDS, 4)
    found = shown.ids[targets.ids != NONE]
    share = {kind: float(np.mean(found == kind)) for kind in (MASK_ID, 20)}
    assert share[MASK_ID] == pytest.approx(0.8, abs=0.02)
    # One in ten stays; another word may be the same one again.
    assert share[20] == pytest.approx(0.1 + 0.1 / (WORDS - FIRST), abs=0.02)
    assert set(found.tolist()) == {MASK_ID, *range(FIRST, WORDS)}


def test_a_batch_says_where_it_asks_and_what_stood_there():
    rows = to_score(random_documents(), "valid")
    (batch,) = batches(rows, rows.count, order="plain")
    shown, places, words = (batch.arrays[name] for name in ("pair", "word.places", "word"))
    there = places[0] >= 0
    assert (words[0, ~there] == -1).all()
    assert not there[there.sum() :].any()
    targets = rows.columns["word"]
    assert isinstance(targets, Sequences)
    assert sorted(words[0, there].tolist()) == sorted(targets.ids[targets.ids >= 0].tolist())
    assert (shown.reshape(-1)[places[0, there]] == MASK_ID).mean() > 0.5


def test_segments_are_one_up_to_the_first_end_and_two_behind():
    rows = to_score(documents([[10, 11], [12]], [[20], [21, 22]], rate=0.01), "valid")
    (batch,) = batches(rows, rows.count, order="plain")
    for ids, segment in zip(batch.arrays["pair"].tolist(), batch.arrays["pair.segment"].tolist(), strict=True):
        at = ids.index(END) + 1
        length = len(ids) - ids[::-1].index(END)
        assert segment == [1] * at + [2] * (length - at) + [0] * (len(ids) - length)


def test_scored_pairs_and_masks_are_always_the_same():
    some = random_documents()
    first, second = (to_score(some, "valid").columns for _ in range(2))
    for name in ("pair", "word"):
        assert first[name].ids.tolist() == second[name].ids.tolist()  # type: ignore[union-attr]


@pytest.mark.parametrize("tokens", [None, 90])
def test_an_epoch_that_goes_on_has_the_batches_that_were_to_come(tokens: int | None):
    rows = of_documents(random_documents())
    how = {"order": "train", "seed": 3, "epoch": 2, "tokens": tokens}
    whole = list(batches(rows, 16, **how))  # type: ignore[arg-type]
    rest = list(batches(rows, 16, start=2, **how))  # type: ignore[arg-type]
    assert len(whole) > 3
    for one, other in zip(whole[2:], rest, strict=True):
        assert all(np.array_equal(values, other.arrays[name]) for name, values in one.arrays.items())


def test_each_epoch_masks_anew():
    rows = of_documents(random_documents(follows=False))
    first, second = (next(iter(batches(rows, 1000, order="train", epoch=e))).arrays["word.places"] for e in (0, 1))
    assert first.tolist() != second.tolist()


@pytest.mark.parametrize("tokens", [None, 90])
def test_no_batch_is_larger_than_was_foreseen(tokens: int | None):
    rows = of_documents(random_documents())
    most = largest_sizes(rows, 16, tokens)
    for epoch in range(3):
        for batch in batches(rows, 16, order="train", epoch=epoch, tokens=tokens):
            assert any(all(batch.sizes[name] <= each[name] for name in batch.sizes) for each in most)


def test_without_follows_each_sentence_stands_beside_the_next_one():
    some = documents([[10], [11], [12]], [[20]], follows=False)
    assert rows_of(some._laid_out(some.drawn(0))) == [
        [BEGIN, 10, END, 11, END],
        [BEGIN, 11, END, 12, END],
        [BEGIN, 20, END],
    ]


def test_empty_lines_and_the_ends_of_files_part_documents():
    lines, document = parted(np.array([2, 1, 0, 0, 3, 1, 4]), np.array([0, 5]))
    assert (lines.tolist(), document.tolist()) == ([0, 1, 4, 5, 6], [0, 0, 1, 2, 2])


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (([[10], [11]],), "one document"),
        (([[10]], [[11]]), "no document of the train rows of `pair` has two sentences"),
        ((), "empty"),
    ],
)
def test_a_text_that_no_pair_can_be_drawn_from_is_told(texts: tuple[list[list[int]], ...], told: str):
    with pytest.raises(DataError) as caught:
        require_pairs(documents(*texts), "train")
    assert caught.value.diagnostics[0].code == "NN888"
    assert told in caught.value.diagnostics[0].message
