"""Weights that a step moves as one vector lie in it, whoever reads or writes them."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.ir.parse import parse
from dsl.errors import InternalError
from runtime.numpy_backend import numpy_backend
from runtime.store import Store

GRAPH = parse("""graph
  %flat.1: f32[5] = input weight w[2,2] b[1]
  return flat.1:=%flat.1
""")


@pytest.fixture
def store() -> Store:
    return Store(numpy_backend(), GRAPH, {"w": np.arange(4.0).reshape(2, 2), "b": np.full(1, 9.0), "other": np.ones(2)})


def test_weights_lie_side_by_side_in_their_vector(store: Store):
    assert store["flat.1"].tolist() == [0, 1, 2, 3, 9]
    store["flat.1"][...] += 1
    assert store["w"].tolist() == [[1, 2], [3, 4]]
    assert store["b"].tolist() == [10]


def test_weight_that_is_set_again_stays_in_its_place(store: Store):
    store.update({"b": np.full(1, 7.0)})
    assert store["flat.1"].tolist() == [0, 1, 2, 3, 7]


def test_vectors_are_no_entries_of_their_own(store: Store):
    assert list(store) == ["w", "b", "other"]


def test_array_of_no_vector_is_the_one_that_was_given():
    array = np.ones(2)
    assert Store(numpy_backend(), GRAPH, {"other": array})["other"] is array


def test_name_that_is_not_there_is_an_error_of_ours(store: Store):
    with pytest.raises(InternalError, match="there is no c"):
        store["c"]
