"""Batches of a stream."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from compiler.sorts import Following, Tokens
from runtime.data import batch_count, batches, largest_sizes
from runtime.data.rows import Rows, make
from runtime.data.tokens import Sequences
from tests.runtime.data.build import port


def stream(positions: int) -> Rows:
    """Token i has the id i + 10, and i + 11 follows."""
    ports = (replace(port("text", Tokens("words")), stream=True), replace(port("next", Following(), True), per="text"))
    ids = np.arange(positions + 1, dtype=np.int32) + 10
    offsets = np.array([0, positions])
    return make(ports, 1, {"text": Sequences(ids[:-1], offsets), "next": Sequences(ids[1:], offsets)})


@pytest.mark.parametrize(("positions", "lanes", "unroll"), [(50, 4, 5), (41, 4, 5), (23, 3, 4), (3, 8, 5), (1, 2, 3)])
def test_each_position_is_predicted_once_and_each_lane_goes_on_where_it_was(positions: int, lanes: int, unroll: int):
    rows = stream(positions)
    found = list(batches(rows, lanes, order="train", unroll=unroll))
    assert len(found) == batch_count(rows, lanes, unroll=unroll)
    assert {tuple(b.sizes.items()) for b in found} == {
        tuple(s.items()) for s in largest_sizes(rows, lanes, unroll=unroll)
    }
    assert sorted(i for b in found for i in b.rows.tolist()) == list(range(positions))
    for lane in range(found[0].sizes["B"]):
        text = np.concatenate([b.arrays["text"][lane, : b.arrays["lengths.T"][lane]] for b in found])
        np.testing.assert_array_equal(np.diff(text), 1)
    for b in found:
        real = np.arange(b.sizes["T"]) < b.arrays["lengths.T"][:, None]
        assert b.count == real.sum()
        np.testing.assert_array_equal(b.arrays["next"][real], b.arrays["text"][real] + 1)
        assert not b.arrays["text"][~real].any()


def test_lanes_are_equally_long_or_one_position_longer():
    found = list(batches(stream(43), 4, order="train", unroll=50))
    assert found[0].arrays["lengths.T"].tolist() == [10, 11, 11, 11]


def test_a_stream_is_scored_in_one_lane():
    found = list(batches(stream(200), 3, order="plain"))
    assert [b.sizes for b in found] == [{"B": 1, "T": 96}] * 3
    assert [b.count for b in found] == [96, 96, 8]


def test_an_epoch_of_a_stream_is_taken_up_again_at_any_window():
    whole = [b.rows.tolist() for b in batches(stream(50), 4, order="train", unroll=5)]
    assert [b.rows.tolist() for b in batches(stream(50), 4, order="train", unroll=5, start=2)] == whole[2:]
