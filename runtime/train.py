"""Training: what a job needs is added up and laid out, its steps are run, and the best epoch's weights are scored."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from time import perf_counter

import numpy as np

from compiler.ir.types import elements
from compiler.metric_names import metric_names
from runtime.backend import Array
from runtime.baselines import baselines
from runtime.deferred import Stepper
from runtime.evaluate import Evaluation
from runtime.events import Event, Started, TrainResult
from runtime.execute import Arena, Executor
from runtime.footprint import Footprint
from runtime.job import Job, needed_memory
from runtime.loop import Keep, Loop, scored, weights_on_host
from runtime.memory import require_memory
from runtime.progress import Progress, Snapshot
from runtime.store import Store
from runtime.weights import initial_states, initial_weights


def train(
    job: Job,
    on_event: Callable[[Event], None],
    stop_asked: Callable[[], bool] = lambda: False,
    *,
    keep: Keep | None = None,
    resume: Snapshot | None = None,
    score: bool = True,
) -> TrainResult:
    """Run the whole of it. stop_asked is looked at after every step.

    resume: goes on from there, as if it had never stopped; its arrays are taken out
    score: False where the weights are only what another phase begins with

    Raises RunError NN852 before anything is allocated when it does not fit the machine, NN850 or NN851 when a number
    stops being finite.
    """
    metric = job.settings.metric or metric_names(job.network.heads)[0]
    start = perf_counter()
    store = Store(job.backend, job.step.graph)
    arena = Arena(job.backend)
    stepper = Stepper(job.backend, job.step, job.compile_bucket, store, arena)
    scorer = Executor(job.backend, job.evaluation, job.compile_bucket, store, arena)
    teaching = job.teaching(store, arena)
    needed = needed_memory(job, stepper, scorer, teaching)
    free = job.backend.available_bytes()
    require_memory(needed.to_come, free)
    best: dict[str, Array] = {}
    if resume is None:
        for name, values in _starting_values(job).items():
            store[name] = job.backend.to_device(values)
    else:
        _take(job, resume, store, best)
    arena.reserve(needed.arena)
    progress = Progress() if resume is None else resume.progress
    run = Loop(job, metric, store, stepper, scorer, progress, best, on_event, keep, teaching)
    if resume is not None:
        run.carried.now = {name: np.array(values) for name, values in resume.carried.items()}
    on_event(_started(job, needed, free, run))
    run.go(stop_asked)
    if not run.best:
        stepper.settle(run.at.step)
    weights = run.best or weights_on_host(job, store, {})
    test = on_train = None
    valid = run.at.best_valid
    if not run.stopped and score:
        for name, values in weights.items():
            store[name][...] = job.backend.to_device(values)
        test = scored(job, scorer, job.dataset.test)
        if test is None and valid is None and not job.dataset.train.drawn:
            on_train = scored(job, scorer, job.dataset.train)
        valid, test, on_train = _with_baselines(job, valid, test, on_train)
    return TrainResult(
        weights=weights,
        epochs=run.at.epoch,
        step=run.at.step,
        best_epoch=run.at.best_epoch,
        metric=metric,
        valid=valid,
        test=test,
        train=on_train,
        seconds=perf_counter() - start,
        stopped=run.stopped,
        early=run.early(),
    )


def _with_baselines(job: Job, *scores: Evaluation | None) -> tuple[Evaluation | None, ...]:
    """The scores of `valid`, `test` and `train` rows; of a forecast with what it has to be better than."""
    network, data = job.network, job.dataset
    found = baselines(network.inputs, network.outputs, data.train, data.tables)
    if found is None:
        return scores
    parts = zip(scores, (data.valid, data.test, data.train), strict=True)
    return tuple(None if s is None or r is None else found.beside(s, r, data.tables) for s, r in parts)


def _starting_values(job: Job) -> dict[str, Array]:
    weights = initial_weights(job.network.parameters, job.settings.seed)
    # Copies: the steps write to what they begin with.
    given = {name: np.array(values) for name, values in job.initial.items()}
    return {**weights, **given, **initial_states(job.step.states)}


def _take(job: Job, resume: Snapshot, store: MutableMapping[str, Array], best: dict[str, Array]) -> None:
    """The arrays of a snapshot, copied: as they lie in a file they are views of its bytes."""
    for name in list(resume.store):
        store[name] = job.backend.to_device(np.array(resume.store.pop(name)))
    for name in list(resume.best):
        best[name] = np.array(resume.best.pop(name))
    if resume.progress.best_epoch and resume.progress.best_is_now:
        weights_on_host(job, store, best)


def _started(job: Job, needed: Footprint, free: int, run: Loop) -> Started:
    data = job.dataset
    parts = {"train": data.train, "valid": data.valid, "test": data.test}
    return Started(
        rows={name: rows.examples for name, rows in parts.items() if rows is not None},
        batches=run.batches,
        epochs=-(-run.steps // run.batches),
        weights=sum(elements(p.type, {}) for p in job.network.parameters),
        needed_bytes=needed.total,
        available_bytes=free + needed.data,
        steps=run.steps,
        epoch=run.at.epoch,
        step=run.at.step,
    )
