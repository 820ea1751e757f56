"""A training step of ours: the program that the compiler makes of the spec, run as `nnc train` runs it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.reference import GRADIENTS, STEPS, Reference, compare
from benchmarks.workloads import Batch, Ids, Workload, batches
from compiler import pipeline
from runtime.backend import Backend
from runtime.deferred import Stepper
from runtime.numpy_backend import numpy_backend
from runtime.store import Store
from runtime.threads import threads
from runtime.weights import initial_states, initial_weights

Step = Callable[[], float]
Weights = dict[str, NDArray[np.generic]]

ADAM = "adam lr=1e-3"
"""As every spec has it."""
LARGE_RATE = 2.0**20
"""Of a step of plain gradient descent: what a weight moved by, divided by it, is the gradient, as exact as float32."""


def make(w: Workload, ids: Ids, folder: Path, *, tier: str = "numpy", checked: bool = True) -> Step:
    """A step on the next batch of the rotation; it gives the loss.

    folder: where the reference is, or is written by whoever is first
    Raises SpecError where the spec has a word that is not there yet, Disagreement.
    """
    rotation, backend = batches(w, ids), _backend(tier)
    if checked:
        found, step = _reference(w, rotation, backend)
        if (folder / "losses.npy").exists():
            compare(found, Reference.read(folder))
        else:
            found.write(folder)
        if "dropout" not in w.spec:
            return step
    return _stepper(w, w.spec, rotation, backend)[0]


def _backend(tier: str) -> Backend:
    if tier == "numpy":
        return numpy_backend()
    from runtime.native.backend import native_backend

    return native_backend(threads=threads())


def _reference(w: Workload, rotation: list[Batch], backend: Backend) -> tuple[Reference, Step]:
    """With the step that it was made with."""
    plain = re.sub(r"dropout \S+", "dropout 0", w.spec)
    descent, store, names = _stepper(w, plain.replace(ADAM, f"sgd lr={LARGE_RATE:.0f}"), rotation, backend)
    weights = {name: np.array(store[name]) for name in names}
    gradients: list[Weights] = []
    for _ in range(GRADIENTS):
        descent()
        gradients.append({name: (start - store[name]) / np.float32(LARGE_RATE) for name, start in weights.items()})
        for name, start in weights.items():
            store[name][...] = start
    step, _, _ = _stepper(w, plain, rotation, backend)
    return Reference(weights, gradients, [step() for _ in range(STEPS + 1)]), step


def _stepper(w: Workload, spec: str, rotation: list[Batch], backend: Backend) -> tuple[Step, Store, list[str]]:
    """The step, the arrays that it writes to, and which of them are weights."""
    experiment = pipeline.check(spec, f"{w.name}.nn", sizes=w.sizes)
    training = pipeline.training_step(experiment)
    compiled = pipeline.compiler_for(backend.native is not None, backend.threads)
    training = replace(training, graph=pipeline.optimize(training.graph))
    values = {**initial_weights(experiment.network.parameters, 1), **initial_states(training.states)}
    store = Store(backend, training.graph, values)
    stepper = Stepper(backend, training, compiled, store)
    sizes = {"B": w.batch, **w.lengths}
    lengths = {f"lengths.{symbol}": np.full(w.batch, length) for symbol, length in w.lengths.items()}
    rate = experiment.train.optimizer.lr
    always = {"rows": np.float32(w.batch), "lr": np.float64(rate), "seed": np.int64(1), **lengths}
    numbers = count(1)

    def step() -> float:
        i = next(numbers)
        feeds = {**rotation[(i - 1) % len(rotation)], **always, "step": np.int64(i)}
        loss = float(stepper.run(feeds, sizes)["loss"])
        if i % len(rotation) == 0:
            stepper.settle(i)  # What steps put off belongs to them.
        return loss

    return step, store, [p.name for p in experiment.network.parameters]
