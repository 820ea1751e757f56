"""The numbers that training starts from: each weight has a random stream of its own, so none can shift another's."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from compiler.experiment import Init, Parameter, State
from compiler.ir.types import Type, value_of

Array: TypeAlias = Any

NUMPY_DTYPES = {"f32": np.float32, "f64": np.float64, "i64": np.int64, "bool": np.bool_}


def initial_weights(parameters: Sequence[Parameter], seed: int) -> dict[str, Array]:
    """Every weight by its name. Sizes that come from data must be bound."""
    return {p.name: initial(p.init, p.type, stream(seed, f"weights:{p.name}")) for p in parameters}


def initial_states(states: Sequence[State]) -> dict[str, Array]:
    return {s.name: np.full(shape_of(s.type), s.start, NUMPY_DTYPES[s.type.dtype]) for s in states}


def initial(init: Init, type: Type, random: np.random.Generator) -> Array:
    """One weight. Drawn in float64 and then rounded, so that f32 and f64 start from the same numbers."""
    shape = shape_of(type)
    width = init.width()
    match init.kind:
        case "zeros" | "constant":
            values = np.full(shape, width)
        case "normal" | "he":
            values = random.standard_normal(shape) * width
        case "uniform" | "xavier":
            values = (random.random(shape) * 2 - 1) * width
    values = values.astype(NUMPY_DTYPES[type.dtype])
    if init.padding_row:
        values[0] = 0
    return values


def stream(seed: int, purpose: str) -> np.random.Generator:
    """The random numbers of one purpose: a counter-based generator keyed by the seed and the purpose's name."""
    word = int.from_bytes(hashlib.sha256(purpose.encode()).digest()[:8], "little")
    return np.random.Generator(np.random.Philox(key=np.array([seed % 2**64, word], np.uint64)))


def shape_of(type: Type, sizes: Mapping[str, int] | None = None) -> tuple[int, ...]:
    return tuple(value_of(dim, sizes or {}) for dim in type.shape)
