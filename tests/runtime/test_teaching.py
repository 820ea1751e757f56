"""Words of the network's own among the true ones: which, where, and from when on."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.settings.train import Teacher, TrainSettings
from runtime.backend import Array
from runtime.data import Batch
from runtime.data.tokens import BEGIN, END
from runtime.schedule import true_words
from runtime.search import Ids
from runtime.teaching import dictated

A, B, C = END + 1, END + 2, END + 3
EMPTY = Batch({}, {}, 2, np.arange(2))


class Successor:
    """Takes for likeliest the word behind the one that it has read, and the end for likelier still."""

    def __init__(self) -> None:
        self.read: list[list[int]] = []

    def begin(self, batch: Batch, copies: int) -> None:
        self.read = []

    def expected(self, ids: Ids) -> Array:
        self.read.append(ids.tolist())
        found = np.zeros((len(ids), C + 1))
        found[:, END] = 0.9
        found[np.arange(len(ids)), np.minimum(np.maximum(ids, END) + 1, C)] = 0.1
        return found

    def another(self) -> Successor:
        raise AssertionError("it is asked alone")

    def follow(self, parents: Ids, since: Ids) -> None:
        raise AssertionError("every row goes on from itself")


def test_own_word_is_the_likeliest_behind_those_before_it_and_never_the_end():
    true = np.array([[BEGIN, C, C, C, 0], [BEGIN, B, A, C, B]])
    own = np.array([[0, 1, 0, 0, 0], [0, 0, 0, 1, 0]], bool)
    speaker = Successor()
    assert dictated(speaker, EMPTY, true, own).tolist() == [[BEGIN, A, C, C, 0], [BEGIN, B, A, B, B]]
    # Nothing is written behind the last word that is exchanged.
    assert speaker.read == [[BEGIN, BEGIN], [A, B], [C, A]]
    assert true[0, 1] == C


def test_true_word_stays_where_nothing_but_the_end_is_expected():
    class Silent(Successor):
        def expected(self, ids: Ids) -> Array:
            return np.where(np.arange(C + 1) == END, 1.0, 0.0) * np.ones((len(ids), 1))

    true = np.array([[BEGIN, B]])
    assert dictated(Silent(), EMPTY, true, np.array([[False, True]])).tolist() == true.tolist()


@pytest.mark.parametrize(
    ("teacher", "step", "share"),
    [
        (Teacher(1, 0.5, 10), 1, 1.0),
        (Teacher(1, 0.5, 10), 51, 0.75),
        (Teacher(1, 0.5, 10), 101, 0.5),
        (Teacher(1, 0.5, 10), 190, 0.5),
        (Teacher(1, 0.5), 101, 0.75),
        (Teacher(0.25, 0.25), 7, 0.25),
    ],
)
def test_share_of_true_words_goes_in_a_straight_line(teacher: Teacher, step: int, share: float):
    assert true_words(TrainSettings(teacher=teacher), step, 200, 10) == pytest.approx(share)
