"""The `predict` section, resolved: how a model answers and writes."""

from __future__ import annotations

from dataclasses import dataclass

MOST_TOKENS = 100
"""What a text is long where nothing says how long."""


@dataclass(frozen=True)
class PredictSettings:
    """temperature: 0 takes the likeliest token each time; else probabilities are sharpened (below 1) or flattened
    top: how many of the likeliest tokens are drawn from, 0 for all
    max: tokens that are written, line ends counted
    threshold: above which one unit says the second label; None is what its head says
    beam: of a text that decode writes, how many are kept beside each other; 1 is greedy, or draws
    length: the power of the length that a text's log-probability is divided by; 0 prefers short texts
    """

    temperature: float = 0.0
    top: int = 0
    max: int = MOST_TOKENS
    threshold: float | None = None
    beam: int = 1
    length: float = 0.0
