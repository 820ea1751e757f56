"""The numbers that training starts from: each weight has a random stream of its own, so none can shift another's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from compiler.experiment import Init, Parameter, State
from compiler.ir.types import Type, bound_shape
from runtime.backend import NUMPY_DTYPES, Array

PART = 1 << 16
"""Numbers that are drawn at a time."""


def initial_weights(parameters: Sequence[Parameter], seed: int) -> dict[str, Array]:
    """Every weight by its name. Sizes that come from data must be bound."""
    return {p.name: initial(p.init, p.type, stream(seed, f"weights:{p.name}")) for p in parameters}


def initial_states(states: Sequence[State]) -> dict[str, Array]:
    with np.errstate(over="ignore"):
        return {s.name: np.full(bound_shape(s.type, {}), s.start, NUMPY_DTYPES[s.type.dtype]) for s in states}


def initial(init: Init, type: Type, random: np.random.Generator) -> Array:
    """One weight. Drawn in float64 and then rounded, so that f32 and f64 start from the same numbers."""
    width = init.width()
    values = np.empty(bound_shape(type, {}), NUMPY_DTYPES[type.dtype])
    flat = values.reshape(-1)
    # A width that float32 does not hold gives infinities, which the first step finds and names.
    with np.errstate(over="ignore"):
        _fill(flat, init, width, random)
    if init.padding_row:
        values[0] = 0
    return values


def _fill(flat: Array, init: Init, width: float, random: np.random.Generator) -> None:
    # In parts, so that never all of a large table is there in float64 as well.
    for start in range(0, flat.size, PART):
        part = flat[start : start + PART]
        match init.kind:
            case "zeros" | "constant":
                part[...] = width
            case "normal" | "he":
                part[...] = random.standard_normal(part.size) * width
            case "uniform" | "xavier":
                part[...] = (random.random(part.size) * 2 - 1) * width


def stream(seed: int, purpose: str) -> np.random.Generator:
    """The random numbers of one purpose: a counter-based generator keyed by the seed and the purpose's name."""
    word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
    return np.random.Generator(np.random.Philox(key=np.array([seed % 2**64, word], np.uint64)))
