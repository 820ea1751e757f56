from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from compiler.settings.predict import PredictSettings
from runtime.data.tokens import END
from runtime.sampling import choose, draws

P = np.array([0.3, 0.2, 0.1, 0.05, 0.1, 0.2, 0.05, 0.0])
"""Of ids that no text has 0.6; END has 0.05, then 0.1, 0.2, 0.05 and nothing."""


def shares(settings: PredictSettings, p: np.ndarray = P, count: int = 20_000) -> np.ndarray:
    found = np.bincount([choose(p, settings, u) for u in islice(draws(3), count)], minlength=len(p))
    return found / count


def test_greedy_takes_the_likeliest_that_a_text_can_have():
    assert choose(P, PredictSettings(), 0.99) == 5
    assert choose(P, PredictSettings(temperature=2.0, top=1), 0.99) == 5


def test_greedy_takes_the_first_of_equals():
    assert choose(np.array([0, 0, 0, 0.1, 0.2, 0.2]), PredictSettings(), 0.9) == 4


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_tokens_are_drawn_by_their_probability(temperature: float):
    wanted = np.where(np.arange(8) < 3, 0, P ** (1 / temperature))
    found = shares(PredictSettings(temperature))
    np.testing.assert_allclose(found, wanted / wanted.sum(), atol=0.015)
    assert found[:3].sum() == 0
    assert found[7] == 0


def test_top_draws_from_the_likeliest_alone():
    found = shares(PredictSettings(1.0, top=2))
    np.testing.assert_allclose(found[[4, 5]], [1 / 3, 2 / 3], atol=0.015)
    assert found[[4, 5]].sum() == 1


def test_top_of_equals_are_the_first_ones():
    p = np.array([0, 0, 0, 0.25, 0.25, 0.25, 0.25])
    assert set(np.flatnonzero(shares(PredictSettings(1.0, top=2), p, 200))) == {3, 4}


def test_temperature_near_nothing_is_greedy():
    assert {choose(P, PredictSettings(1e-300), u) for u in (0.0, 0.5, 1 - 2**-53)} == {5}


def test_huge_temperature_leaves_out_what_is_impossible():
    assert {choose(P, PredictSettings(1e300), u) for u in np.linspace(0, 1 - 2**-53, 50)} == {3, 4, 5, 6}


def test_end_comes_where_nothing_else_is_possible():
    assert choose(np.array([0.0, 1.0, 0.0, 0.0, 0.0]), PredictSettings(1.0), 0.3) == END
    assert choose(np.full(5, np.nan), PredictSettings(1.0), 0.3) == END


def test_what_is_drawn_comes_from_the_seed_alone():
    assert list(islice(draws(1), 3)) == list(islice(draws(1), 3))
    assert list(islice(draws(1), 3)) != list(islice(draws(2), 3))
    assert next(draws(1)) == 0.1387493215861315
    assert all(0 <= u < 1 for u in islice(draws(5), 1000))
