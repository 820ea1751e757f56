"""The `train` section, resolved: how a run learns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from dsl.source import Span

UNROLL = 35
"""Positions of a window of a stream, as Zaremba, Sutskever, Vinyals 2014."""


@dataclass(frozen=True)
class Optimizer:
    """The settings that the named one does not have keep their defaults."""

    name: Literal["sgd", "adagrad", "adadelta", "rmsprop", "adam", "adamw"] = "adam"
    lr: float = 1e-3
    momentum: float = 0.0
    nesterov: bool = False
    betas: tuple[float, float] = (0.9, 0.999)
    rho: float = 0.9
    eps: float = 1e-8
    init: float = 0.0
    strict: bool = False
    span: Span | None = None


@dataclass(frozen=True)
class Schedule:
    """How lr changes; `runtime.schedule.rate` computes it.

    start: the epoch after which each takes factor once more (`step from=`); at: epochs after which it is taken
    to: of cosine and linear, the rate at the end; patience: of plateau, epochs without a better one that are borne
    warmup: steps where 1 or more (then whole), below 1 a share of all steps, 0 for none
    """

    kind: Literal["constant", "step", "cosine", "linear", "rsqrt", "plateau", "inverse"] = "constant"
    start: int | None = None
    at: tuple[int, ...] = ()
    factor: float = 0.5
    to: float = 0.0
    patience: int = 0
    decay: float = 0.0
    warmup: float = 0.0
    span: Span | None = None


@dataclass(frozen=True)
class Clip:
    """norm: of the whole gradient; value: of each number; weights: of each unit of a head, after the update."""

    norm: float | None = None
    value: float | None = None
    weights: float | None = None


@dataclass(frozen=True)
class Loss:
    """What is made small.

    kind: auto is what the heads ask for; delta: huber's; margin: contrastive's; of: the output that kind is for, None
    for all that it fits; sum: over the batch's rows, not their mean; weights: by output, 1 for one that is not named
    """

    kind: Literal["auto", "perceptron", "huber", "contrastive"] = "auto"
    delta: float = 1.0
    margin: float = 1.0
    of: str | None = None
    sum: bool = False
    weights: tuple[tuple[str, float], ...] = ()
    span: Span | None = None

    def weight(self, output: str) -> float:
        return dict(self.weights).get(output, 1.0)

    def kind_of(self, output: str) -> Literal["auto", "perceptron", "huber", "contrastive"]:
        return self.kind if self.of in (None, output) else "auto"


@dataclass(frozen=True)
class Teacher:
    """The share of true words that `decode` is fed while it learns; `runtime.schedule.true_words` computes it.

    start, to: at the first step, and after so many epochs, or at the end of the run where epochs is None
    """

    start: float = 1.0
    to: float = 1.0
    epochs: int | None = None
    span: Span | None = None

    @property
    def lets_go(self) -> bool:
        """Whether decode is ever fed a word of its own."""
        return min(self.start, self.to) < 1


@dataclass(frozen=True)
class TrainSettings:
    """The `train` section.

    unroll: of a stream, the positions of a window, beyond which no gradient goes back
    batch: rows a step (lanes, of a stream), and rows at once in scoring; batch_tokens: with it a step takes as many
    rows as have no more positions than that, padding counted, at least one
    epochs, steps: the first of the two that is reached ends the run; one of them at least is given
    layerwise: what the rate of a weight is times for each round of `repeat` above it
    smoothing: of the labels, in the training loss of each class output; balanced: each label weighs N / (classes count)
    there: inputs `class_weights.OUTPUT` of kind number
    patience, metric: of `stop`; patience None never stops early; metric None is the first of the first output
    """

    optimizer: Optimizer = field(default_factory=Optimizer)
    decay: float = 0.0
    batch: int = 32
    batch_tokens: int | None = None
    unroll: int = UNROLL
    epochs: int | None = 10
    steps: int | None = None
    schedule: Schedule = field(default_factory=Schedule)
    clip: Clip = field(default_factory=Clip)
    loss: Loss = field(default_factory=Loss)
    layerwise: float = 1.0
    smoothing: float = 0.0
    balanced: bool = False
    teacher: Teacher = field(default_factory=Teacher)
    patience: int | None = None
    metric: str | None = None
    seed: int = 1
    span: Span | None = None
    stop_span: Span | None = None
    batch_span: Span | None = None
    unroll_span: Span | None = None
    layerwise_span: Span | None = None
    smoothing_span: Span | None = None
    balanced_span: Span | None = None
