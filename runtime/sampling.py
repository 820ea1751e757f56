"""Which token comes next: the likeliest one, or one that is drawn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from compiler.settings.predict import PredictSettings
from runtime.data.tokens import BEGIN, END, PADDING, UNKNOWN
from runtime.weights import stream

NEVER = (PADDING, UNKNOWN, BEGIN)
"""Ids that no text has. An end is the end of a line."""


def choose(probabilities: NDArray[np.floating], settings: PredictSettings, draw: float) -> int:
    """The id of the next token. probabilities: by id; draw: from 0 to below 1, which decides alone what is drawn.

    An end where no token has a probability.
    """
    found = probabilities.astype(np.float64)
    found[list(NEVER)] = 0.0
    largest = float(found.max())
    if not largest > 0:
        return END
    if settings.temperature == 0 or settings.top == 1:
        return int(found.argmax())
    if 0 < settings.top < len(found):
        found[~_likeliest(found, settings.top)] = 0.0
    # The likeliest has 0 here whatever the temperature, so that one that is near 0 leaves something to draw.
    with np.errstate(divide="ignore", over="ignore"):
        weights = np.exp((np.log(found) - np.log(largest)) / settings.temperature)
    upto = np.cumsum(weights)
    return min(int(np.searchsorted(upto, draw * upto[-1], side="right")), int(np.flatnonzero(weights)[-1]))


def _likeliest(found: NDArray[np.float64], top: int) -> NDArray[np.bool_]:
    """Which ids are the `top` likeliest; of equal ones the first are."""
    last = np.partition(found, -top)[-top]
    chosen = found > last
    equal = np.flatnonzero(found == last)
    chosen[equal[: top - int(chosen.sum())]] = True
    return chosen


def draws(seed: int) -> Iterator[float]:
    """Numbers from 0 to below 1, the same ones for a seed in every version of NumPy."""
    bits = stream(seed, "generated text").bit_generator
    while True:
        yield float((int(bits.random_raw()) >> 11) * 2.0**-53)
