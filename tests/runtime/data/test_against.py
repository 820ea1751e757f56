"""What a word is told from: draws by their counts, and a Huffman tree against its definition."""

from __future__ import annotations

import heapq
from dataclasses import replace

import numpy as np
import pytest

from compiler.sorts import Negatives, Port, Tree, Word
from dsl.source import Span
from runtime.data.against import Opponents
from runtime.data.huffman import huffman
from runtime.data.tokens import OWN_IDS

COUNTS = (50, 20, 20, 9, 4, 1, 0)
PORT = Port("context", Word(), True, Span("spec.nn", 1, 1, 1, 1, ""), against=Negatives(5, 0.75))


def test_negatives_are_drawn_by_their_counts_to_the_power():
    drawn = Opponents(PORT, COUNTS).negatives(40_000, 1, 2, 3)
    share = np.bincount(drawn.reshape(-1), minlength=len(COUNTS) + OWN_IDS) / drawn.size
    weight = np.array(COUNTS) ** 0.75
    np.testing.assert_allclose(share[OWN_IDS:], weight / weight.sum(), atol=0.003)
    assert not share[:OWN_IDS].any()
    assert share[-1] == 0


def test_a_number_draws_the_word_in_whose_share_it_lies():
    of = Opponents(PORT, (7, 1, 0, 1, 900, *range(1, 60)))
    numbers = np.concatenate([of.upto[:-1], np.nextafter(of.upto, 0), np.linspace(0, 1, 999, endpoint=False)])
    wanted = [int((of.upto > number).argmax()) + OWN_IDS for number in numbers]
    assert of.drawn(numbers).tolist() == wanted


def test_huge_power_draws_the_commonest_word_alone():
    drawn = Opponents(replace(PORT, against=Negatives(5, 1e300)), COUNTS).negatives(10, 1, 2, 3)
    assert (drawn == OWN_IDS).all()


@pytest.mark.parametrize("number", [0.0, 1 - 2.0**-53])
def test_the_first_and_the_last_number_draw_words_that_stand_in_the_text(number: float):
    (id,) = Opponents(PORT, (0, 3, 2, 0)).drawn(np.array([number]))
    assert id in (OWN_IDS + 1, OWN_IDS + 2)


def test_negatives_hang_on_their_key_alone():
    of = Opponents(PORT, COUNTS)
    assert (of.negatives(7, 1, 0, 0) == of.negatives(7, 1, 0, 0)).all()
    assert (of.negatives(7, 1, 0, 0) != of.negatives(7, 1, 0, 1)).any()


def test_the_word_itself_and_a_word_without_an_id_have_no_sign():
    rows, signs = Opponents(PORT, COUNTS).beside(np.array([5, -1]), np.array([[4, 5, 6], [4, 5, 6]]))
    assert rows.tolist() == [[5, 4, 0, 6], [0, 0, 0, 0]]
    assert signs.tolist() == [[1, -1, 0, -1], [0, 0, 0, 0]]


@pytest.mark.parametrize("counts", [(5, 3), COUNTS, (1,) * 9, (1, 2, 4, 8, 16, 32), (7, 7, 1, 1, 3)])
def test_huffman_ways_are_as_short_as_they_can_be(counts: tuple[int, ...]):
    tree = huffman(counts)
    heap, cost = sorted(counts), 0
    while len(heap) > 1:
        both = heapq.heappop(heap) + heapq.heappop(heap)
        cost += both
        heapq.heappush(heap, both)
    assert int((tree.lengths[OWN_IDS:] * counts).sum()) == cost
    assert not tree.lengths[:OWN_IDS].any()


@pytest.mark.parametrize("counts", [(5,), COUNTS, (1,) * 9])
def test_huffman_ways_share_out_all_probability(counts: tuple[int, ...]):
    scores = np.random.default_rng(1).normal(size=(3, len(counts) + OWN_IDS))
    shares = np.exp(huffman(counts).log_probabilities(scores))
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert not shares[:, :OWN_IDS].any()


def test_log_probabilities_are_the_product_of_the_branches():
    tree, scores = huffman(COUNTS), np.random.default_rng(2).normal(size=len(COUNTS) + OWN_IDS)
    (found,) = tree.log_probabilities(scores[None])
    for id in range(OWN_IDS, len(COUNTS) + OWN_IDS):
        way = range(int(tree.lengths[id]))
        p = np.prod([1 / (1 + np.exp(-tree.signs[id, i] * scores[tree.nodes[id, i]])) for i in way])
        assert found[id] == pytest.approx(np.log(p))


def test_a_batch_has_the_ways_of_its_words_with_nothing_behind_them():
    of = Opponents(replace(PORT, against=Tree()), COUNTS)
    rows, signs = of.beside(np.array([4, 9, -1]), None)
    lengths = of.tree.lengths
    for row, id in enumerate((4, 9)):
        assert np.count_nonzero(rows[row]) == np.count_nonzero(signs[row]) == lengths[id]
    assert not rows[2].any()
    assert not signs[2].any()
    assert rows.max() < len(COUNTS)
