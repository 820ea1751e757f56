"""Words by their vectors: neighbours, analogies and ranks, on vectors whose angles are known."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.data.tokens import Vocabulary
from runtime.word_vectors import WordVectors, analogies, ranks, similarity, spearman

WORDS = ("man", "woman", "king", "queen", "stone")
ROWS = [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 0.0, 1.0], [1.0, 1.0, 1.0], [-3.0, 0.1, 0.0]]
VECTORS = WordVectors(Vocabulary(WORDS), np.array([[9.0] * 3] * 4 + ROWS))


def test_neighbours_are_the_nearest_directions_without_the_word_itself():
    place = VECTORS.place("king")
    assert place is not None
    found = VECTORS.near(place, 2)
    assert [word for word, _ in found] == ["queen", "man"]
    assert [cosine for _, cosine in found] == pytest.approx([2 / np.sqrt(6), 1 / np.sqrt(2)])


def test_more_neighbours_than_words_are_all_others():
    assert {word for word, _ in VECTORS.near(0, 99)} == set(WORDS[1:])


def test_words_are_known_in_lower_case_too():
    assert (VECTORS.place("Queen"), VECTORS.place("Duke")) == (3, None)


def test_analogies_leave_the_three_given_words_out():
    questions = [
        ("family", ("man", "woman", "king", "queen")),
        ("family", ("man", "woman", "king", "stone")),
        ("other", ("man", "king", "Woman", "Queen")),
        ("other", ("man", "duke", "woman", "duchess")),
    ]
    found = analogies(VECTORS, questions)
    assert (found.questions, found.covered, found.right) == (4, 3, 2)
    assert found.sections == {"family": (1, 2), "other": (1, 1)}
    assert found.accuracy == pytest.approx(2 / 3)


def test_similarity_is_the_correlation_of_ranks_over_known_pairs():
    pairs = [("man", "king", 9.0), ("man", "stone", 1.0), ("woman", "queen", 9.5), ("man", "duke", 5.0)]
    found = similarity(VECTORS, pairs)
    assert (found.pairs, found.covered, found.spearman) == (4, 3, pytest.approx(1.0))


def test_equal_values_share_their_rank():
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]
    # By SciPy's spearmanr.
    assert spearman(np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(0.8)


def test_no_correlation_without_two_pairs_that_differ():
    assert np.isnan(spearman(np.array([1.0]), np.array([2.0])))
    assert np.isnan(spearman(np.array([1.0, 2.0]), np.array([5.0, 5.0])))
