"""Arithmetic on constants, done now: to the bit what the kernels would make of them."""

from __future__ import annotations

import math
import struct

from compiler.ir.graph import Graph, Node
from compiler.ops.elementwise import Abs, Add, Cast, Constant, Div, Mul, Neg, Sqrt, Sub, constant
from compiler.passes.canonical import RULES
from compiler.passes.rewrite import Rule, rewrite


def folded(node: Node) -> Node | None:
    """f(constants) -> constant, where IEEE 754 says what f gives: + - * / sqrt, and what is exact anyway

    exp and log are not folded: NumPy's and Python's may differ in the last bit.
    """
    if node.type.dtype not in ("f32", "f64") or not node.inputs:
        return None
    values: list[float] = []
    for operand in node.inputs:
        if not isinstance(operand.op, Constant):
            return None
        values.append(rounded(operand.op.value, operand.op.dtype))
    computed = _computed(node, values)
    if computed is None or not math.isfinite(result := rounded(computed, node.type.dtype)):
        return None
    return constant(result, node.type.dtype, node.span)


def rounded(value: float, dtype: str) -> float:
    """The value that a constant of this dtype has."""
    if dtype != "f32":
        return value
    try:
        return struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def _computed(node: Node, values: list[float]) -> float | None:
    # For f32, the double result rounded again is the correctly rounded one: 53 bits are at least twice 24 and two more.
    match node.op, values:
        case Add(), [x, y]:
            return x + y
        case Sub(), [x, y]:
            return x - y
        case Mul(), [x, y]:
            return x * y
        case Div(), [x, y] if y != 0:
            return x / y
        case Sqrt(), [x] if x >= 0:
            return math.sqrt(x)
        case Neg(), [x]:
            return -x
        case Abs(), [x]:
            return abs(x)
        case Cast(), [x] if abs(x) <= 2**53:
            return x
        case _:
            return None


RULES_OF_FOLD: tuple[Rule, ...] = (folded, *RULES)


def fold(graph: Graph) -> Graph:
    return rewrite(graph, RULES_OF_FOLD)
