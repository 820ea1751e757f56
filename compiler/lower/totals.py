"""What the numbers of a value sum to along its last axis, as far as that is sure: probabilities sum to 1."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from compiler.ir.graph import Node
from compiler.ops.attention import CausalSoftmax, KeySoftmax
from compiler.ops.elementwise import Add, Constant, Mul, Neg, Sigmoid, Sub
from compiler.ops.normal import Softmax
from compiler.ops.pointing import AddAtIds
from compiler.ops.sequence import Mask
from compiler.ops.shape import Broadcast, Reshape

ONE, WIDTH = "one", "width"
Total: TypeAlias = Mapping[Node | str, float]
"""A sum, each number times a factor: 1 - p is {ONE: 1, p: -1}. WIDTH is how wide a row is, where nobody knows yet."""

NEAR = 1e-6


def is_no_whole(value: Node) -> bool:
    """Whether the numbers of each row surely do not sum to 1, but for a chance: softmax + softmax, or p * softmax of a
    sigmoid p."""
    total = _total(value)
    if total is None:
        return False
    rest = [x for x, factor in _plus(total, {ONE: 1.0}, -1.0).items() if abs(factor) > NEAR]
    # Several numbers may be parts of one whole.
    if rest in ([ONE], [WIDTH]):
        return True
    symbols = [x for x in rest if isinstance(x, Node)]
    return len(symbols) == 1 and WIDTH not in rest and isinstance(symbols[0].op, Sigmoid)


def _total(value: Node) -> Total | None:
    """Of each row; None where it is not known."""
    match value:
        case Node(op=Softmax() | KeySoftmax() | CausalSoftmax()):
            return {ONE: 1.0}
        case Node(op=Mask() | AddAtIds(), inputs=(x, _)):
            return _total(x)
        case Node(op=Reshape(), inputs=(x,)) if x.type.shape[-1:] == value.type.shape[-1:]:
            return _total(x)
        case Node(op=Neg(), inputs=(x,)):
            total = _total(x)
            return None if total is None else _plus({}, total, -1.0)
        case Node(op=Add() | Sub() as op, inputs=(a, b)):
            first, second = _part(a, value), _part(b, value)
            return None if first is None or second is None else _plus(first, second, 1 if isinstance(op, Add) else -1)
        case Node(op=Mul(), inputs=(a, b)):
            for x, by in ((a, b), (b, a)):
                total, factor = _total(x), _factor(by)
                if total is not None and factor is not None:
                    return _product(total, factor)
        case _:
            pass
    return None


def _part(x: Node, of: Node) -> Total | None:
    """What x adds to each row of a sum: as often as the row is wide where it is one number for all."""
    number, width = _number(x), of.type.shape[-1] if of.type.shape else 1
    if number is None:
        return _total(x)
    return {ONE: number * width} if isinstance(width, int) else {WIDTH: number}


def _factor(x: Node) -> Total | None:
    """A number by which a whole row is multiplied."""
    number = _number(x)
    if number is not None:
        return {ONE: number}
    if not x.type.shape or x.type.shape[-1] != 1:
        return None
    match x:
        case Node(op=Neg(), inputs=(a,)):
            return None if (found := _factor(a)) is None else _plus({}, found, -1.0)
        case Node(op=Add() | Sub() as op, inputs=(a, b)):
            first, second = _factor(a), _factor(b)
            return None if first is None or second is None else _plus(first, second, 1 if isinstance(op, Add) else -1)
        case _:
            return {x: 1.0}


def _number(x: Node) -> float | None:
    while isinstance(x.op, Broadcast):
        x = x.inputs[0]
    return x.op.value if isinstance(x.op, Constant) else None


def _plus(a: Total, b: Total, times: float) -> Total:
    return {node: a.get(node, 0.0) + times * b.get(node, 0.0) for node in (*a, *b)}


def _product(a: Total, b: Total) -> Total | None:
    """None where it is no sum of numbers any more."""
    for x, y in ((a, b), (b, a)):
        if set(x) <= {ONE}:
            return {node: x.get(ONE, 0.0) * factor for node, factor in y.items()}
    return None
