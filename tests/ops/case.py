"""An op with operands, and the numbers to try it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from compiler.ir.graph import Input, Node, Op, apply
from compiler.ir.types import BATCH, Dim, Pad, Type, symbol, value_of
from tests.ops.formulas import Array

T, V = symbol("T"), symbol("V")
SIZES = {"B": 3, "T": 5, "V": 7}
LENGTHS = (1, 5, 3)
ALONE = {"B": 1, "T": 1, "V": 2}


@dataclass(frozen=True)
class Case:
    """expected: from the operands (float64) to the result; what stands in its padding is not compared.

    like: for each operand how its numbers are drawn; `normal` unless said otherwise
    smooth: the operands for which the gradient is checked
    build: from the operands to the node, where the op's own operands are not inputs (row-sparse ones)
    """

    name: str
    op: Op
    operands: tuple[Type, ...]
    expected: Callable[..., Array]
    result: Type
    like: tuple[str, ...] = ()
    smooth: tuple[int, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=lambda: SIZES)
    lengths: tuple[int, ...] = LENGTHS
    build: Callable[..., Node] | None = None

    def node(self, inputs: tuple[Node, ...]) -> Node:
        return self.build(*inputs) if self.build is not None else apply(self.op, *inputs)


def f64(*dims: Dim, pad: Pad = "finite") -> Type:
    return Type("f64", dims, pad)


def i64(*dims: Dim, pad: Pad = "finite") -> Type:
    return Type("i64", dims, pad)


def boolean(*dims: Dim) -> Type:
    return Type("bool", dims)


TEXT = f64(BATCH, T, 2, pad="zero")
LOWEST = f64(BATCH, T, 2, pad="lowest")
LENGTHS_TYPE = i64(BATCH)
LENGTHS_INPUT = apply(Input("lengths.T", "lengths", LENGTHS_TYPE))
IDS = i64(BATCH, T, pad="zero")


def alone(case: Case) -> Case:
    """The same with every size 1."""
    return Case(case.name + " alone", case.op, case.operands, case.expected, case.result, case.like, case.smooth, ALONE,
                (1,), case.build)  # fmt: skip


def drawn(case: Case, rng: np.random.Generator) -> list[Array]:
    """Numbers for the operands, with their padding."""
    like = case.like + ("normal",) * (len(case.operands) - len(case.like))
    return [
        _padded(np.array(_numbers(kind, type_, case, rng)), type_, case)
        for kind, type_ in zip(like, case.operands, strict=True)
    ]


def _without(size: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return size[:axis] + size[axis + 1 :]


def _numbers(kind: str, type_: Type, case: Case, rng: np.random.Generator) -> Array:
    size = tuple(value_of(dim, case.sizes) for dim in type_.shape)
    match kind.split():
        case ["normal"]:
            return rng.normal(size=size)
        case ["wide"]:
            return rng.normal(size=size) * 3
        case ["positive"]:
            return rng.uniform(0.5, 2, size)
        case ["ties"]:
            return rng.integers(-2, 3, size).astype(np.float64)
        case ["bool"]:
            return rng.random(size) < 0.5
        case ["ids", n]:
            return rng.integers(0, int(n), size)
        case ["table"]:
            table = rng.normal(size=size)
            table[0] = 0
            return table
        case ["positions", n, "axis", axis]:
            # A position occurs once in a column.
            every = np.moveaxis(np.broadcast_to(np.arange(int(n)), (*_without(size, int(axis)), int(n))), -1, int(axis))
            return np.take(rng.permuted(every, axis=int(axis)), range(size[int(axis)]), axis=int(axis))
        case ["positions", n, "missing"]:
            result = np.full(size, -1)
            real_ = _numbers(f"positions {n} axis 1", i64(size[0], min(int(n), size[1]), size[2]), case, rng)
            result[:, : real_.shape[1]] = real_
            result[0, -1] = -1
            return result
        case ["places", *some]:
            # Real positions, row * T + position, each once.
            width = max(case.sizes["T"], 1)
            every = np.concatenate([row * width + np.arange(n) for row, n in enumerate(case.lengths)])
            result = rng.permutation(every)[: size[1]].reshape(size)
            result[0, -1] = -1 if some else result[0, -1]
            return result
        case ["nowhere"]:
            return np.full(size, -1)
        case ["lengths"]:
            return np.array(case.lengths)
        case ["real"]:
            return np.array([rng.integers(0, n) for n in case.lengths])
        case ["count"]:
            return np.array(rng.integers(0, 1000))
        case _:
            raise AssertionError(kind)


def _padded(x: Array, type_: Type, case: Case) -> Array:
    filler: dict[Pad, float] = {"any": np.nan, "finite": 7.5, "zero": 0.0, "lowest": -np.inf}
    if type_.dtype in ("f32", "f64") or type_.pad == "zero":
        x[~real(type_, case)] = filler[type_.pad]
    return x


def real(type_: Type, case: Case) -> Array:
    """Which elements are no padding."""
    size = tuple(value_of(dim, case.sizes) for dim in type_.shape)
    mask = np.ones(size, bool)
    axis = type_.ragged
    if axis is None or BATCH not in type_.shape:
        # What is the same for every row has no padding.
        return mask
    batch = type_.shape.index(BATCH)
    for row, length in enumerate(case.lengths):
        at: list[Any] = [slice(None)] * len(size)
        at[batch], at[axis] = row, slice(value_of(type_.shape[axis], {**case.sizes, "T": length}), None)
        mask[tuple(at)] = False
    return mask
