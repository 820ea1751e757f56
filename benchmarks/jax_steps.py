"""A training step in JAX: loss, gradient and Adam in one compiled function, on the processor."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

# It looks for accelerators when it is imported.
os.environ["JAX_PLATFORMS"] = "cpu"

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.jax_losses import LOSSES, arranged
from benchmarks.layouts import reference_of
from benchmarks.reference import GRADIENTS, STEPS, Reference, compare
from benchmarks.workloads import RATE, Ids, Workload, batches

Step = Callable[[], float]
Tree = dict[str, jax.Array]


def make(w: Workload, ids: Ids, folder: Path, *, checked: bool = True) -> Step:
    """folder: that of the reference. Raises Disagreement."""
    reference = reference_of(w.name, folder)
    loss_of = LOSSES[w.name]
    rotation = [tuple(jnp.asarray(arranged(w, _narrow(c))) for c in batch.values()) for batch in batches(w, ids)]

    def fresh() -> Tree:
        return {name: jnp.array(value) for name, value in reference.weights.items()}

    def stepper(dropout: bool) -> Step:
        update = jax.jit(_update(loss_of, dropout), donate_argnums=0)
        zeros = ({name: jnp.zeros_like(v) for name, v in fresh().items()} for _ in range(2))
        state = (fresh(), *zeros, jnp.float32(0), jax.random.PRNGKey(0))
        numbers = count()

        def step() -> float:
            nonlocal state
            state, loss = update(state, rotation[next(numbers) % len(rotation)])
            return float(loss)

        return step

    if checked:
        key = jax.random.PRNGKey(0)
        gradient = jax.jit(jax.grad(lambda p, batch: loss_of(p, batch, False, key)))
        found = [{n: np.asarray(g) for n, g in gradient(fresh(), b).items()} for b in rotation[:GRADIENTS]]
        step = stepper(dropout=False)
        losses = [step() for _ in range(STEPS + 1)]
        compare(Reference({}, found, losses), reference)
        if "dropout" not in w.spec:
            return step
    return stepper(dropout=True)


def _narrow(column: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return column.astype(np.int32) if column.dtype == np.int64 else column


def _update(loss_of: Any, dropout: bool) -> Callable[[Any, Any], Any]:
    """Adam as in its paper, which is what ours and PyTorch's compute."""

    def update(state: Any, batch: Any) -> Any:
        p, m, v, t, key = state
        t = t + 1
        key, of_step = jax.random.split(key)
        loss, g = jax.value_and_grad(loss_of)(p, batch, dropout, of_step)
        m = {n: 0.9 * m[n] + 0.1 * g[n] for n in p}
        v = {n: 0.999 * v[n] + 0.001 * g[n] * g[n] for n in p}
        first, second = 1 - 0.9**t, 1 - 0.999**t
        p = {n: p[n] - RATE * (m[n] / first) / (jnp.sqrt(v[n] / second) + 1e-8) for n in p}
        return (p, m, v, t, key), loss

    return update
