"""What all engines have to agree on before one is timed: a step's loss and gradient, and how the loss goes on.

Ours writes it to a folder, in its own layout; all start from the same weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

GRADIENTS = 3
"""Batches whose gradients are compared. One has to agree: beside a kink, such as relu's at 0, roundings decide."""
STEPS = 3
"""Steps of Adam whose losses are compared."""
GRADIENT, LOSS = 2e-5, 2e-3
"""Differences of a gradient relative to its tensor's largest number, and of a loss relative to itself. The first steps
of Adam move a weight as far whatever its gradient is, so that roundings of those near 0 grow."""
ROUNDING = 1e-7
"""A difference that is this part of the largest number of all tensors is none: the gradient of a key's bias is 0, and
each engine rounds what cancels in its own way."""


class Disagreement(Exception):
    """An engine does not compute what ours does; it is not timed."""


@dataclass(frozen=True)
class Reference:
    """Without dropout, on the first batches of the rotation. gradients: of each, all at the first weights

    losses: at the start and after each step of Adam
    """

    weights: Mapping[str, Array]
    gradients: Sequence[Mapping[str, Array]]
    losses: Sequence[float]

    def write(self, folder: Path) -> None:
        np.savez(folder / "weights.npz", **self.weights)
        for i, gradient in enumerate(self.gradients):
            np.savez(folder / f"gradient{i}.npz", **gradient)
        np.save(folder / "losses.npy", np.array(self.losses))

    @staticmethod
    def read(folder: Path) -> Reference:
        gradients = [_arrays(folder / f"gradient{i}.npz") for i in range(GRADIENTS)]
        return Reference(_arrays(folder / "weights.npz"), gradients, np.load(folder / "losses.npy").tolist())


def _arrays(path: Path) -> dict[str, Array]:
    with np.load(path) as arrays:
        return dict(arrays)


def compare(found: Reference, wanted: Reference) -> None:
    """Raises Disagreement. Both in one layout; their weights are not looked at."""
    wrong = [_difference(a, b) for a, b in zip(found.gradients, wanted.gradients, strict=True)]
    if all(wrong):
        raise Disagreement(wrong[0])
    for step, (a, b) in enumerate(zip(found.losses, wanted.losses, strict=True)):
        if not abs(a - b) <= LOSS * abs(b):
            raise Disagreement(f"after {step} steps of Adam the loss is {a:.6f}, ours {b:.6f}")


def _difference(found: Mapping[str, Array], wanted: Mapping[str, Array]) -> str:
    """What is wrong with a gradient; empty where it agrees."""
    least = ROUNDING * max(float(np.abs(gradient).max()) for gradient in wanted.values())
    for name, gradient in wanted.items():
        scale, off = float(np.abs(gradient).max()), float(np.abs(gradient - found[name]).max())
        if not off <= max(GRADIENT * scale, least):
            return f"the gradient of {name} differs by {off:.1e}, its largest number is {scale:.1e}"
    return ""
