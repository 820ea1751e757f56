"""Rows for the ops of recurrence: h' = tanh(x + h w), and what it gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from compiler.ir.graph import Input, Node, apply
from compiler.ir.types import BATCH, Type
from compiler.ops.elementwise import Add, Mul, Tanh
from compiler.ops.product import MatMul
from compiler.ops.scan import Ended, Part
from compiler.ops.sequence import Mask
from compiler.recurrence import Recurrence, State, ended_of, part, placeholder
from tests.ops.case import LENGTHS, LENGTHS_INPUT, LENGTHS_TYPE, Case, T, f64
from tests.ops.formulas import Array

WHOLE = f64(T, BATCH, 2)
OPERANDS = (f64(BATCH, 2), WHOLE, f64(2, 2))


def elman(reverse: bool, cleared: bool = False) -> Callable[..., Node]:
    """cleared: its padding set to 0"""

    def build(first: Node, x: Node, w: Node) -> Node:
        h = placeholder("h", first.type)
        length = x.type.shape[0]
        loop = Recurrence([], [], [], length, reverse, ended_of(length, LENGTHS_INPUT))
        element = loop.element(x)
        after = apply(Tanh(), apply(Add(), element, apply(MatMul(), h, w)))
        loop.states.append(State(h, first, after))
        loop.outputs = [after, apply(Mul(), h, element)]
        stacked = part(loop.close(), 1)
        return apply(Mask("zero"), stacked, LENGTHS_INPUT) if cleared else stacked

    return build


def final(first: Node, x: Node, w: Node) -> Node:
    return part(elman(True)(first, x, w).inputs[0], 0)


def kept(first: Node, x: Node, w: Node) -> Node:
    return part(elman(False)(first, x, w).inputs[0], 2)


def states(reverse: bool, lengths: tuple[int, ...] = LENGTHS) -> Callable[..., Array]:
    """h after each step [T, B, 2], and before: row by row, without what comes after its end."""

    def values(first: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
        after, before = np.zeros_like(x), np.zeros_like(x)
        last = first.copy()
        for row, length in enumerate(lengths):
            h = first[row]
            for t in range(length)[::-1] if reverse else range(length):
                before[t, row] = h
                h = np.tanh(x[t, row] + h @ w)
                after[t, row] = h
            last[row] = h
        return after, before * x, last

    return values


SCAN_NODE = elman(False)(*(apply(Input(f"x{i}", "data", t)) for i, t in enumerate(OPERANDS))).inputs[0]
SCAN_OP = SCAN_NODE.op

SCAN = [
    Case("scan", SCAN_OP, OPERANDS, lambda *o: states(False)(*o)[0], WHOLE, smooth=(0, 1, 2), build=elman(False)),
    Case("scan from the end", SCAN_OP, OPERANDS, lambda *o: states(True)(*o)[0], f64(T, BATCH, 2, pad="zero"),
         smooth=(0, 1, 2), build=elman(True, cleared=True)),
    Case("scan of a fixed length", SCAN_OP, (f64(BATCH, 2), f64(4, BATCH, 2), f64(2, 2)),
         lambda *o: states(False, (4, 4, 4))(*o)[0], f64(4, BATCH, 2), smooth=(0, 1, 2), build=elman(False)),
    Case("scan of no positions", SCAN_OP, (f64(BATCH, 2), f64(0, BATCH, 2), f64(2, 2)),
         lambda first, x, w: x, f64(0, BATCH, 2), smooth=(0, 2), build=elman(False)),
    Case("final state", Part(0), OPERANDS, lambda *o: states(True)(*o)[2], f64(BATCH, 2), smooth=(0, 1, 2),
         build=final),
    Case("value of each step", Part(2), OPERANDS, lambda *o: states(False)(*o)[1], WHOLE, smooth=(0, 1, 2),
         build=kept),
    Case("ended", Ended(T), (LENGTHS_TYPE,), lambda n: np.arange(5)[:, None, None] >= n[:, None],
         Type("bool", (T, BATCH, 1)), ("lengths",)),
    Case("mask of a sequence in the order of time", Mask("zero"), (WHOLE, LENGTHS_TYPE),
         lambda x, n: np.where(np.arange(5)[:, None, None] >= n[:, None], 0, x), f64(T, BATCH, 2, pad="zero"),
         ("normal", "lengths"), (0,)),
]  # fmt: skip
