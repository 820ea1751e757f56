"""The `train` section, resolved: how a run learns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dsl.source import Span


@dataclass(frozen=True)
class Optimizer:
    """name: sgd, adagrad, adam, adamw; the settings it does not have keep their defaults."""

    name: Literal["sgd", "adagrad", "adam", "adamw"] = "adam"
    lr: float = 1e-3
    momentum: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    init: float = 0.0
    span: Span | None = None


@dataclass(frozen=True)
class Clip:
    """norm: of the whole gradient; value: of each number; weights: of each unit of a head, after the update."""

    norm: float | None = None
    value: float | None = None
    weights: float | None = None


@dataclass(frozen=True)
class TrainSettings:
    """The `train` section.

    loss: "auto" (what the head asks for) or "perceptron"
    patience, metric: of `stop`; patience None never stops early; metric None is the first of the first output
    """

    optimizer: Optimizer = field(default_factory=Optimizer)
    decay: float = 0.0
    batch: int = 32
    epochs: int = 10
    clip: Clip = field(default_factory=Clip)
    loss: Literal["auto", "perceptron"] = "auto"
    patience: int | None = None
    metric: str | None = None
    seed: int = 1
    span: Span | None = None
    stop_span: Span | None = None
