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
    """

    temperature: float = 0.0
    top: int = 0
    max: int = MOST_TOKENS
    threshold: float | None = None
