"""Rows to batches."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.sorts import Tokens
from runtime.data import batch_count, batches, largest_sizes
from runtime.data.rows import Rows, bucket, make
from runtime.data.tokens import Sequences
from tests.runtime.data.build import LABEL, POINT, port


def text_of(lengths: list[int]) -> Sequences:
    """Row i holds the id 10 + i, so many times."""
    ids = np.repeat(np.arange(len(lengths)) + 10, lengths).astype(np.int32)
    return Sequences(ids, np.concatenate([[0], np.cumsum(lengths)]))


def rows_of(lengths: list[int], max: int | None = None) -> Rows:
    ports = (port("text", Tokens("words", max=max)), LABEL)
    return make(ports, len(lengths), {"text": text_of(lengths), "label": np.arange(len(lengths))})


MANY = [1 + (7 * i) % 23 for i in range(101)]


@pytest.mark.parametrize("order", ["train", "plain"])
def test_every_row_comes_once_with_its_own_data(order):
    seen = []
    for batch in batches(rows_of(MANY), 8, order=order, seed=1):
        assert batch.count == batch.sizes["B"] == len(batch.rows) <= 8
        assert batch.arrays["text"].shape == (batch.count, batch.sizes["T"])
        assert batch.arrays["text"].dtype == np.int64
        for row, ids, length in zip(batch.rows, batch.arrays["text"], batch.arrays["lengths.T"], strict=True):
            assert length == MANY[row]
            assert ids.tolist() == [row + 10] * length + [0] * (batch.sizes["T"] - length)
        np.testing.assert_array_equal(batch.arrays["label"], batch.rows)
        seen += batch.rows.tolist()
    assert sorted(seen) == list(range(101))


def order_of(**how) -> list[list[int]]:
    return [b.rows.tolist() for b in batches(rows_of(MANY), 8, order="train", **how)]


def test_the_order_depends_on_seed_and_epoch_alone():
    assert order_of(seed=1, epoch=2) == order_of(seed=1, epoch=2)
    assert order_of(seed=1, epoch=2) != order_of(seed=1, epoch=3)
    assert order_of(seed=1, epoch=2) != order_of(seed=2, epoch=2)


def test_an_epoch_is_taken_up_again_at_any_batch():
    assert order_of(seed=1, start=5) == order_of(seed=1)[5:]


def test_rows_of_like_length_come_together():
    padded = sum(b.count * b.sizes["T"] for b in batches(rows_of(MANY), 8, order="train", seed=1))
    assert padded < 1.3 * sum(MANY)


def test_batches_are_not_in_order_of_length():
    widths = [b.sizes["T"] for b in batches(rows_of(MANY), 8, order="train", seed=1)]
    assert widths != sorted(widths)


@pytest.mark.parametrize(
    ("length", "padded"),
    [
        (1, 4),
        (4, 4),
        (5, 8),
        (32, 32),
        (33, 40),
        (64, 64),
        (65, 80),
        (128, 128),
        (129, 160),
        (256, 256),
        (257, 320),
        (1025, 1280),
    ],
)
def test_a_bucket_is_a_little_longer_than_its_rows(length, padded):
    assert bucket(length) == padded


def test_a_batch_is_never_longer_than_max():
    (batch,) = batches(rows_of([5, 6], max=6), 2, order="plain")
    assert batch.sizes["T"] == 6
    assert rows_of([5, 6], max=6).longest == {"T": 6}


def test_without_buckets_a_batch_is_as_long_as_its_longest_row():
    (batch,) = batches(rows_of([5, 6]), 2, order="plain", bucket=False)
    assert batch.sizes == {"B": 2, "T": 6}


def test_two_texts_have_positions_of_their_own():
    ports = (port("a", Tokens("words")), port("b", Tokens("words")), LABEL)
    rows = make(ports, 2, {"a": text_of([1, 2]), "b": text_of([9, 3])})
    (batch,) = batches(rows, 4, order="plain")
    assert batch.sizes == {"B": 2, "T.a": 4, "T.b": 12}
    assert set(batch.arrays) == {"a", "b", "lengths.T.a", "lengths.T.b"}


@pytest.mark.parametrize(("dtype", "expected"), [("f32", np.float32), ("f64", np.float64)])
def test_numbers_come_in_the_type_of_the_run(dtype, expected):
    rows = make((POINT,), 3, {"point": np.arange(6.0).reshape(3, 2)})
    found = list(batches(rows, 2, order="train", seed=0, dtype=dtype))
    assert [b.arrays["point"].shape for b in found] in ([(2, 2), (1, 2)], [(1, 2), (2, 2)])
    assert found[0].arrays["point"].dtype == expected


def test_no_rows_give_no_batch():
    assert list(batches(rows_of([]), 3, order="train")) == []


def tokens_of(lengths: list[int], tokens: int, **how) -> list[tuple[int, int]]:
    found = batches(rows_of(lengths), 8, order="train", tokens=tokens, **how)
    return [(b.count, b.sizes["T"]) for b in found]


def test_a_batch_of_tokens_has_no_more_positions_than_it_may():
    sizes = tokens_of(MANY, 96, seed=1)
    assert sum(count for count, _ in sizes) == 101
    assert all(count * width <= 96 for count, width in sizes)
    assert sum(count * width for count, width in sizes) > 0.8 * 96 * len(sizes)


def test_a_row_longer_than_the_tokens_is_a_batch_of_its_own():
    assert sorted(tokens_of([1, 2, 30, 3], 8, seed=1)) == [(1, 4), (1, 32), (2, 4)]


def test_batches_of_tokens_in_plain_order_have_every_row():
    found = list(batches(rows_of(MANY), 8, order="plain", tokens=96))
    assert sorted(i for b in found for i in b.rows.tolist()) == list(range(101))
    assert all(b.count * b.sizes["T"] <= 96 for b in found)


def test_tokens_count_the_longest_of_a_row_s_texts():
    ports = (port("a", Tokens("words")), port("b", Tokens("words")), LABEL)
    rows = make(ports, 4, {"a": text_of([1, 2, 3, 4]), "b": text_of([8, 8, 8, 8])})
    assert [b.count for b in batches(rows, 8, order="plain", tokens=16)] == [2, 2]


def test_batches_are_counted_without_making_them():
    rows = rows_of(MANY)
    assert batch_count(rows, 8) == 13
    assert batch_count(rows, 8, seed=3, tokens=96) == len(tokens_of(MANY, 96, seed=3))


@pytest.mark.parametrize("tokens", [None, 30, 96, 10_000])
def test_every_batch_is_covered_by_a_largest_one(tokens):
    rows = rows_of(MANY)
    largest = largest_sizes(rows, 8, tokens)
    for epoch in range(5):
        for batch in batches(rows, 8, order="train", epoch=epoch, tokens=tokens):
            assert any(batch.sizes["B"] <= s["B"] and batch.sizes["T"] <= s["T"] for s in largest)


def test_a_largest_batch_covers_no_other():
    largest = largest_sizes(rows_of(MANY), 8, 96)
    assert largest == [{"B": 24, "T": 4}, {"B": 12, "T": 8}, {"B": 8, "T": 12}, {"B": 6, "T": 16}, {"B": 4, "T": 24}]
