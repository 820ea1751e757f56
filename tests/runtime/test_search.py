"""Greedy and beam search over a decoder that is a table: what comes next hangs on all that came before."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from compiler.settings.predict import PredictSettings
from runtime.data.tokens import BEGIN, END
from runtime.search import beam_search, best_of_each, drawn, penalty

V, MOST = 7, 4


class Table:
    """Probabilities drawn for each prefix of each example. copies: rows of an example"""

    def __init__(self, examples: int, copies: int, seed: int = 0, sharp: float = 2.0) -> None:
        self.texts = [(i // copies, ()) for i in range(examples * copies)]
        self.seed, self.sharp = seed, sharp

    def of(self, example: int, prefix: tuple[int, ...]) -> np.ndarray:
        rng = np.random.default_rng([self.seed, example, *prefix])
        found = np.exp(rng.normal(size=V) * self.sharp)
        return found / found.sum()

    def expected(self, ids: np.ndarray) -> np.ndarray:
        self.texts = [(e, (*text, i)) for (e, text), i in zip(self.texts, ids.tolist(), strict=True)]
        return np.stack([self.of(e, text) for e, text in self.texts]).astype(np.float32)

    def follow(self, parents: np.ndarray, since: np.ndarray) -> None:
        self.texts = [self.texts[i] for i in parents.tolist()]


def likelihood(table: Table, example: int, text: tuple[int, ...]) -> float:
    """Its logarithm, the end counted."""
    prefix, total = (BEGIN,), 0.0
    for token in (*text, END):
        total += float(np.log(np.float32(table.of(example, prefix)[token])))
        prefix = (*prefix, token)
    return total


@pytest.mark.parametrize("length", [0.0, 0.8])
def test_beam_as_wide_as_everything_finds_the_best_of_all_texts(length: int):
    table = Table(3, 1)
    settings = PredictSettings(beam=200, length=length)
    found = beam_search(Table(3, 200), 3, settings, MOST)
    for example in range(3):
        every = [text for n in range(MOST) for text in product(range(END + 1, V), repeat=n)]
        best = max(every, key=lambda text: likelihood(table, example, text) / penalty(len(text) + 1, length))
        assert tuple(found[example]) == best


def test_beam_of_one_is_greedy():
    settings = PredictSettings(beam=1)
    assert beam_search(Table(5, 1), 5, settings, 9) == drawn(Table(5, 1), settings, 9, [0] * 5)


def test_examples_are_searched_alike_alone_and_beside_others():
    settings = PredictSettings(beam=3)
    together = beam_search(Table(4, 3), 4, settings, 8)
    for example, text in enumerate(together):
        alone = Table(1, 3)
        alone.texts = [(example, ()) for _ in range(3)]
        assert beam_search(alone, 1, settings, 8) == [text]


def test_what_no_text_has_is_never_written():
    class Odd(Table):
        def of(self, example: int, prefix: tuple[int, ...]) -> np.ndarray:
            return np.array([0.3, 0.3, 0.2, 0.0, 0.1, 0.1, 0.0])

    for text in (*beam_search(Odd(1, 2), 1, PredictSettings(beam=2), 3), *drawn(Odd(1, 1), PredictSettings(), 3, [0])):
        assert text == [4, 4, 4]


def test_drawn_texts_hang_on_their_seeds_alone():
    settings = PredictSettings(temperature=1.0)
    three = drawn(Table(1, 3), settings, 6, [1, 2, 1])
    assert three[0] == three[2]
    assert three[1] == drawn(Table(1, 1), settings, 6, [2])[0]
    assert len({tuple(text) for text in drawn(Table(1, 20), settings, 6, list(range(20)))}) > 1


def test_best_of_each_row_are_in_order_and_of_equal_ones_the_first():
    ids, logs = best_of_each(np.array([[0.9, 0, 0, 0.1, 0.2, 0.2, 0.05]], np.float32), 3)
    assert ids.tolist() == [[4, 5, 3]]
    np.testing.assert_allclose(np.exp(logs), [[0.2, 0.2, 0.1]], rtol=1e-6)


def test_best_of_a_large_vocabulary_are_those_of_a_whole_sort():
    rng = np.random.default_rng(0)
    probabilities = rng.random((9, 1003)).astype(np.float32)
    probabilities[3, 900] = 2
    probabilities[4, 1002] = 2
    ids, logs = best_of_each(probabilities, 5)
    rest = probabilities[:, END:]
    wanted = np.argsort(-rest, axis=1, kind="stable")[:, :5]
    assert (ids == wanted + END).all()
    np.testing.assert_array_equal(logs, np.log(np.take_along_axis(rest, wanted, 1).astype(np.float64)))


@pytest.mark.parametrize("seed", range(5))
def test_decoder_goes_on_with_half_of_the_examples_when_the_others_are_done(seed: int):
    """And each example has the text that it has alone, however many are beside it."""

    class Shrinking(Table):
        def __init__(self, examples: int, copies: int, seed: int) -> None:
            super().__init__(examples, copies, seed)
            self.rows: list[int] = []

        def expected(self, ids: np.ndarray) -> np.ndarray:
            self.rows.append(len(ids))
            return super().expected(ids)

        def begin_at(self, example: int) -> None:
            self.texts = [(example, ()) for _ in self.texts]

    settings, many = PredictSettings(beam=3, length=1.0), 21
    together = Shrinking(many, 3, seed)
    texts = beam_search(together, many, settings, 12)
    assert set(together.rows) <= {63, 33, 18}
    assert len(set(together.rows)) > 1
    assert together.rows == sorted(together.rows, reverse=True)
    for example in range(many):
        alone = Shrinking(1, 3, seed)
        alone.begin_at(example)
        assert beam_search(alone, 1, settings, 12) == [texts[example]]
