"""A training step in PyTorch: eager, with its fused Adam, and with its loss compiled; two threads."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.layouts import reference_of
from benchmarks.reference import GRADIENTS, STEPS, Reference, compare
from benchmarks.torch_losses import LOSSES, Weights, arranged
from benchmarks.workloads import RATE, Ids, Workload, batches

Step = Callable[[], float]


def make(w: Workload, ids: Ids, folder: Path, *, mode: str, checked: bool = True) -> Step:
    """mode: eager, fused or compiled; folder: that of the reference. Raises Disagreement."""
    torch.set_num_threads(2)
    torch.manual_seed(1)
    reference = reference_of(w.name, folder)
    loss_of = LOSSES[w.name]
    if mode == "compiled":
        loss_of = torch.compile(loss_of)
    rotation = [tuple(arranged(w, torch.from_numpy(c)) for c in batch.values()) for batch in batches(w, ids)]

    def fresh() -> Weights:
        return {name: torch.from_numpy(value.copy()).requires_grad_() for name, value in reference.weights.items()}

    def stepper(weights: Weights, dropout: bool) -> Step:
        optimizer = torch.optim.Adam(weights.values(), lr=RATE, fused=mode != "eager" or None)
        numbers = count()

        def step() -> float:
            batch = rotation[next(numbers) % len(rotation)]
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(weights, batch, dropout)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    def gradient(batch: tuple[torch.Tensor, ...]) -> dict[str, NDArray[np.float32]]:
        weights = fresh()
        loss_of(weights, batch, False).backward()
        return {name: weight.grad.numpy() for name, weight in weights.items() if weight.grad is not None}

    if checked:
        step = stepper(fresh(), False)
        losses = [step() for _ in range(STEPS + 1)]
        compare(Reference({}, [gradient(batch) for batch in rotation[:GRADIENTS]], losses), reference)
    return stepper(fresh(), True)
