"""What a training run tells while it goes on, and what it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from dsl.errors import Diagnostic
from runtime.backend import Array
from runtime.evaluate import Evaluation


@dataclass(frozen=True)
class Started:
    """Said once, before the first step. Bytes are of memory, all parts added up.

    batches: of an epoch; with `batch tokens=` of the first one
    epochs: that can come at most; steps: all of the run, if nothing ends it early
    epoch, step: finished before, by the run that is gone on with
    """

    rows: Mapping[str, int]
    batches: int
    epochs: int
    weights: int
    needed_bytes: int
    available_bytes: int
    steps: int = 0
    epoch: int = 0
    step: int = 0


@dataclass(frozen=True)
class BatchDone:
    """loss: the mean over this batch; tokens: real positions, 0 where nothing is a sequence; epoch, batch from 1."""

    epoch: int
    batch: int
    loss: float
    examples: int
    tokens: int


@dataclass(frozen=True)
class EpochDone:
    """loss: mean over the epoch's examples, as they came (with dropout); best: the best one so far.

    seconds: of this process, so of a part of the epoch where a run was gone on with; lr: its last step's
    """

    epoch: int
    loss: float
    valid: Evaluation | None
    best: bool
    seconds: float
    lr: float = 0.0


@dataclass(frozen=True)
class Saved:
    """A checkpoint was written. epoch: finished ones; step: made ones."""

    epoch: int
    step: int


@dataclass(frozen=True)
class NotSaved:
    """A checkpoint could not be written; the one before it stays, and training goes on. Said once."""

    diagnostics: tuple[Diagnostic, ...]


Event: TypeAlias = Started | BatchDone | EpochDone | Saved | NotSaved


@dataclass(frozen=True)
class TrainResult:
    """What training leaves. weights: the best epoch's (the last one's where nothing validates).

    epochs: how many were finished; step: steps made; both with those of the run that was gone on with
    stopped: somebody asked it to end; early: `stop patience=` ended it
    test: scored once, with these weights; None where there are no test rows, or where it was stopped
    train: the training rows' scores with these weights, where there are no other rows to score
    seconds: of this process
    """

    weights: dict[str, Array]
    epochs: int
    step: int
    best_epoch: int
    metric: str
    valid: Evaluation | None
    test: Evaluation | None
    train: Evaluation | None
    seconds: float
    stopped: bool
    early: bool
