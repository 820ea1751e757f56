"""What `nnc profile` runs: a training step of a spec, on batches of its data or on such as the sizes say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from statistics import median
from time import perf_counter

import numpy as np

from compiler import pipeline
from compiler.emit.native import emit_native
from compiler.emit.numpy import emit
from compiler.emit.timed import Piece, emit_timed
from compiler.emit.timed_native import emit_timed_native
from compiler.experiment import Experiment, TrainingStep
from compiler.plan.make import make_plan
from dsl.errors import Diagnostic, RunError
from nnc.device import backend_of
from nnc.initial import begin
from nnc.sizes import open_symbols, sizes_missing, with_given
from nnc.stand_in import stand_in
from nnc.training import Recipe, prepared
from runtime.backend import Array, Backend
from runtime.carried import Carried
from runtime.data import Batch, Dataset, batches
from runtime.evaluate import feeds_of, float_dtype
from runtime.memory import require_memory
from runtime.profile import Clock, Profile, clocked, profile
from runtime.store import Store
from runtime.weights import initial_states, initial_weights

LOOKED_AT = 200
"""Batches of an epoch among which the commonest sizes are found."""
KEPT_BYTES = 64e6
"""Of batches that are kept to be run in turns."""
STAND_INS = 15
"""Batches by chance, beside the first: rows of a table that every step names would always be in a cache."""


@dataclass(frozen=True)
class Subject:
    """step: the training step as it shall run; feeds: of batches of these sizes, to be run in turns

    batch_seconds: what making a batch of the data takes, the median, None without data
    """

    experiment: Experiment
    step: TrainingStep
    sizes: Mapping[str, int]
    feeds: tuple[Mapping[str, Array], ...]
    batch_seconds: float | None


def subject(recipe: Recipe, sizes: Mapping[str, int] | None) -> Subject:
    """sizes: None for those of the data. Raises RunError NN869 where some are missing."""
    unbound = recipe.check(sizes)
    if sizes is None and unbound.data is not None:
        beginning = begin(unbound, recipe.base)
        dataset = recipe.read(unbound, 0 if unbound.data.folds else None, beginning.vocabularies)
        # Steps take as long whatever the weights are: files of vectors are not read.
        experiment, job = prepared(recipe, dataset, beginning=beginning, resumed=True)
        return _of_data(experiment, job.step, dataset, job.numbers)
    if open_symbols(unbound):
        raise RunError(sizes_missing(unbound, "nnc profile"))
    step = pipeline.training_step(unbound)
    step = replace(step, graph=pipeline.optimize(step.graph)) if recipe.optimized else step
    every = with_given(unbound, sizes or {})
    first = stand_in(step.graph, every)
    count = 1 + int(min(STAND_INS, KEPT_BYTES / max(sum(np.asarray(x).nbytes for x in first.values()), 1)))
    others = (stand_in(step.graph, every, number) for number in range(2, count + 1))
    return Subject(unbound, step, every, (first, *others), None)


def _of_data(experiment: Experiment, step: TrainingStep, dataset: Dataset, numbers: Mapping[str, Array]) -> Subject:
    """Batches of the sizes that come most often; of equally many, the larger."""
    settings, graph = experiment.train, step.graph
    of_epoch = partial(
        batches,
        dataset.train,
        settings.batch,
        order="train",
        seed=settings.seed,
        dtype=float_dtype(graph),
        tokens=settings.batch_tokens,
        unroll=settings.unroll,
    )
    # The very first pays for what is made once.
    next(of_epoch())
    found, made, size = list[Batch](), list[float](), 0
    start = perf_counter()
    for batch in islice(of_epoch(), LOOKED_AT):
        made.append(perf_counter() - start)
        found.append(batch)
        size += sum(values.nbytes for values in batch.arrays.values())
        if size > KEPT_BYTES:
            break
        start = perf_counter()
    kinds = Counter(tuple(batch.sizes.items()) for batch in found)
    commonest = dict(max(kinds, key=lambda kind: (kinds[kind], [n for _, n in kind])))
    carried = Carried(graph)
    carried.begin(commonest)
    feeds = tuple(
        {**feeds_of(graph, batch), **numbers, **carried.now, "rows": np.float64(batch.count)}
        for batch in found
        if batch.sizes == commonest
    )
    return Subject(experiment, step, commonest, feeds, median(made))


def profiled(subject: Subject, seconds: float, kernels: str | None = None) -> tuple[tuple[Piece, ...], Profile]:
    """Runs it for so long on the processor.

    Raises RunError NN852 where the machine has not the memory, NN847 where kernels cannot be compiled or timed.
    """
    settings, step, backend = subject.experiment.train, subject.step, backend_of("cpu", kernels)
    if backend.native is None:
        planned = make_plan(step.graph, subject.sizes)
        plain, (timed, pieces) = emit(planned), emit_timed(planned)
        clocks = clocked(backend, len(pieces))
    else:
        planned = pipeline.plan_native(step.graph, subject.sizes, backend.threads)
        plain, (timed, pieces) = (
            emit_native(planned, backend.threads),
            emit_timed_native(planned, backend.threads),
        )
        clocks = _native_clocks(backend.threads, len(pieces))
    require_memory(planned.arena_bytes + planned.store_bytes, backend.available_bytes(), "a step", settings.span)
    weights = initial_weights(subject.experiment.network.parameters, settings.seed)
    store = Store(backend, step.graph, {**weights, **initial_states(step.states)})
    # A network that knows these batches by heart has gradients of zero, which some kernels leave out.
    always = {"lr": np.float64(0), "seed": np.int64(settings.seed)}

    def feeds(number: int) -> Mapping[str, Array]:
        return {**subject.feeds[number % len(subject.feeds)], **always, "step": np.int64(number)}

    return pieces, profile(clocks, step, (plain, timed), planned, store, feeds, subject.sizes, seconds)


def _native_clocks(threads: int, pieces: int) -> tuple[Backend, Backend, Clock]:
    from runtime.native.timed import timed_backends

    try:
        return timed_backends(threads, pieces)
    except OSError as error:
        help = "nnc profile --kernels numpy times what NumPy does"
        raise RunError(Diagnostic("NN847", f"kernels cannot be timed on this system: {error}", help=help)) from None
