"""The training loop: batches through the step program, an evaluation an epoch, the best epoch's weights kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import NoReturn, TypeAlias

import numpy as np

from compiler.experiment import Network, TrainingStep
from compiler.ir.graph import Graph
from compiler.ir.types import elements, size_bytes
from compiler.metric_names import metric_names
from compiler.settings.train import TrainSettings
from dsl.errors import RunError
from runtime.backend import Array, Backend
from runtime.data import Batch, Dataset, Rows, batches
from runtime.evaluate import Evaluation, evaluate, feeds_of, float_dtype, tokens_in
from runtime.execute import Arena, CompileBucket, Executor
from runtime.memory import available_bytes, require_memory
from runtime.metrics import better
from runtime.not_finite import not_finite
from runtime.weights import initial_states, initial_weights


@dataclass(frozen=True)
class Job:
    """All that a training run needs. Every size that comes from data is bound; the graphs are as they shall run.

    step: its graph's inputs beside the batch are the numbers rows, lr, step, seed
    evaluation: with outputs `NAME.scores` and `NAME.losses`
    initial: weights that start from these numbers and not from chance: of vectors, of another run
    numbers: inputs of kind number that the step's graph has beside the four, the same in each step
    """

    network: Network
    settings: TrainSettings
    step: TrainingStep
    evaluation: Graph
    dataset: Dataset
    backend: Backend
    compile_bucket: CompileBucket
    initial: Mapping[str, Array] = field(default_factory=dict[str, Array])
    numbers: Mapping[str, Array] = field(default_factory=dict[str, Array])


@dataclass(frozen=True)
class Started:
    """Said once, before the first step. Bytes are of memory, all parts added up."""

    rows: Mapping[str, int]
    batches: int
    epochs: int
    weights: int
    needed_bytes: int
    available_bytes: int


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
    """loss: mean over the epoch's examples, as they came (with dropout); best: the best one so far."""

    epoch: int
    loss: float
    valid: Evaluation | None
    best: bool
    seconds: float


@dataclass(frozen=True)
class TrainResult:
    """What training leaves. weights: the best epoch's (the last one's where nothing validates).

    epochs: how many were finished; step: steps made
    stopped: somebody asked it to end; early: `stop patience=` ended it
    test: scored once, with these weights; None where there are no test rows, or where it was stopped
    train: the training rows' scores with these weights, where there are no other rows to score
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


Event: TypeAlias = Started | BatchDone | EpochDone


def train(job: Job, on_event: Callable[[Event], None], stop_asked: Callable[[], bool] = lambda: False) -> TrainResult:
    """Run the whole of it. stop_asked is looked at after every step.

    Raises RunError NN852 before anything is allocated when it does not fit the machine, NN850 or NN851 when a number
    stops being finite.
    """
    metric = job.settings.metric or metric_names(job.network.heads)[0]
    start = perf_counter()
    store: dict[str, Array] = {}
    arena = Arena(job.backend)
    stepper = Executor(job.backend, job.step.graph, job.compile_bucket, store, arena)
    scorer = Executor(job.backend, job.evaluation, job.compile_bucket, store, arena)
    needed = needed_bytes(job, stepper, scorer)
    free = available_bytes()
    require_memory(needed, free)
    arena.reserve(arena_bytes(job, stepper, scorer))
    for name, values in _starting_values(job).items():
        store[name] = job.backend.to_device(values)
    on_event(_started(job, needed, free))
    run = _Run(job, metric, store, stepper, scorer)
    run.go(on_event, stop_asked)
    best = run.best or _Best(run.epoch, _copies(store, [p.name for p in job.network.parameters]), None)
    test = on_train = None
    if not run.stopped:
        for name, values in best.weights.items():
            store[name][...] = values
        test = _scored(job, scorer, job.dataset.test)
        if test is None and best.valid is None:
            on_train = _scored(job, scorer, job.dataset.train)
    return TrainResult(
        weights=best.weights,
        epochs=run.epoch,
        step=run.step,
        best_epoch=best.epoch,
        metric=metric,
        valid=best.valid,
        test=test,
        train=on_train,
        seconds=perf_counter() - start,
        stopped=run.stopped,
        early=run.early,
    )


def _scored(job: Job, scorer: Executor, rows: Rows | None) -> Evaluation | None:
    if rows is None:
        return None
    return evaluate(scorer, job.network.heads, rows, job.dataset.tables, job.settings.batch)


@dataclass(frozen=True)
class _Best:
    epoch: int
    weights: dict[str, Array]
    valid: Evaluation | None


class _Run:
    """The state of a run between steps."""

    def __init__(self, job: Job, metric: str, store: dict[str, Array], stepper: Executor, scorer: Executor) -> None:
        self.job, self.metric, self.store, self.stepper, self.scorer = job, metric, store, stepper, scorer
        self.epoch = 0  # finished
        self.step = 0  # made
        self.best: _Best | None = None
        self.stopped = False
        self.early = False

    def go(self, on_event: Callable[[Event], None], stop_asked: Callable[[], bool]) -> None:
        while self.epoch < self.job.settings.epochs and not self.stopped and not self.early:
            start = perf_counter()
            loss = self._one_epoch(on_event, stop_asked)
            if self.stopped:
                return
            valid = self._validate()
            best = self._is_best(valid)
            self.epoch += 1
            if best:
                weights = _copies(self.store, [p.name for p in self.job.network.parameters])
                self.best = _Best(self.epoch, weights, valid)
            on_event(EpochDone(self.epoch, loss, valid, best and valid is not None, perf_counter() - start))
            patience = self.job.settings.patience
            if patience is not None and valid is not None and self.best is not None:
                self.early = self.epoch - self.best.epoch >= patience

    def _one_epoch(self, on_event: Callable[[Event], None], stop_asked: Callable[[], bool]) -> float:
        """The mean loss. Sets stopped where somebody asked for it."""
        first_step, before = self.step, _copies(self.store, list(self.store))
        total, examples = 0.0, 0
        for index, batch in enumerate(self._batches()):
            self.step += 1
            loss = float(self.stepper.run(self._feeds(batch, self.step), batch.sizes)["loss"])
            if not np.isfinite(loss):
                self._not_finite(first_step, before, loss)
            total += loss * batch.count
            examples += batch.count
            on_event(BatchDone(self.epoch + 1, index + 1, loss, batch.count, tokens_in(batch)))
            if stop_asked():
                self.stopped = True
                break
        if not all(np.isfinite(values).all() for values in self.store.values()):
            self._not_finite(first_step, before, None)
        return total / examples

    def _validate(self) -> Evaluation | None:
        return _scored(self.job, self.scorer, self.job.dataset.valid)

    def _is_best(self, valid: Evaluation | None) -> bool:
        if valid is None or self.best is None or self.best.valid is None:
            return True
        new, old = valid.value(self.metric), self.best.valid.value(self.metric)
        return better(self.metric.rpartition(".")[2], new, old) or (
            new == old and better("loss", valid.loss, self.best.valid.loss)
        )

    def _batches(self) -> Iterator[Batch]:
        settings = self.job.settings
        rows, dtype = self.job.dataset.train, float_dtype(self.stepper.graph)
        return batches(rows, settings.batch, order="train", seed=settings.seed, epoch=self.epoch, dtype=dtype)

    def _feeds(self, batch: Batch, step: int) -> dict[str, Array]:
        numbers = {
            "rows": np.float64(batch.count),
            "lr": np.float64(self.job.settings.optimizer.lr),
            "step": np.int64(step),
            "seed": np.int64(self.job.settings.seed),
        }
        return feeds_of(self.stepper.graph, batch) | numbers | self.job.numbers

    def _not_finite(self, first_step: int, before: dict[str, Array], loss: float | None) -> NoReturn:
        """Go through the epoch again from its start, and say where a number stopped being finite."""
        for name, values in before.items():
            self.store[name][...] = values

        def steps() -> Iterator[tuple[int, Mapping[str, Array], Mapping[str, int]]]:
            for index, batch in enumerate(self._batches()):
                step = first_step + index + 1
                yield step, self._feeds(batch, step), batch.sizes

        raise RunError(
            not_finite(self.stepper, self.store, steps(), self.step, self.epoch + 1, loss, self.job.settings)
        )


def needed_bytes(job: Job, stepper: Executor, scorer: Executor) -> int:
    """Memory beyond what is read already: weights, states, the copies of them, and the arena."""
    weights = sum(size_bytes(p.type, {}) for p in job.network.parameters)
    states = sum(size_bytes(s.type, {}) for s in job.step.states)
    kept_best, epoch_start = weights, weights + states
    return weights + states + kept_best + epoch_start + arena_bytes(job, stepper, scorer)


def arena_bytes(job: Job, stepper: Executor, scorer: Executor) -> int:
    """What the largest batch takes, of training or of scoring: one arena serves both."""
    # Without other rows the training rows are scored at the end.
    parts = [rows for rows in (job.dataset.valid, job.dataset.test) if rows is not None] or [job.dataset.train]
    scoring = [scorer.arena_bytes(largest_bucket(rows, job.settings.batch)) for rows in parts]
    return max(stepper.arena_bytes(largest_bucket(job.dataset.train, job.settings.batch)), *scoring)


def largest_bucket(rows: Rows, batch: int) -> dict[str, int]:
    """The sizes of the largest batch that can come."""
    return {"B": min(batch, rows.count), **rows.longest}


def _starting_values(job: Job) -> dict[str, Array]:
    weights = initial_weights(job.network.parameters, job.settings.seed)
    return weights | job.initial | initial_states(job.step.states)


def _started(job: Job, needed: int, free: int) -> Started:
    data = job.dataset
    parts = {"train": data.train, "valid": data.valid, "test": data.test}
    return Started(
        rows={name: rows.count for name, rows in parts.items() if rows is not None},
        batches=-(-data.train.count // job.settings.batch),
        epochs=job.settings.epochs,
        weights=sum(elements(p.type, {}) for p in job.network.parameters),
        needed_bytes=needed,
        available_bytes=free,
    )


def _copies(store: Mapping[str, Array], names: list[str]) -> dict[str, Array]:
    return {name: store[name].copy() for name in names}
