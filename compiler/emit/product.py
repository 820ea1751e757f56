"""A matrix product as a kernel: one call of what multiplies, without Python around it."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from compiler.emit.kernel import Argument, Kernel
from compiler.emit.memory import apart
from compiler.emit.split import split
from compiler.ir.types import DTYPES
from compiler.ops.product import MatMul, Outer
from compiler.plan.layout import reshaped
from compiler.plan.plan import Call, Moving, Place

TEXT = """\
def kernel(p):
    # what multiplies, m, n, k, then each matrix: where, how far apart its rows are, whether it is transposed
    product(p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11])
"""


def product_kernel(call: Call, moving: Mapping[str, Moving]) -> Kernel | None:
    """The kernel of a product of two matrices, None where one of them has to be copied first."""
    out = call.out
    if not isinstance(call.op, (MatMul, Outer)) or not isinstance(out, Place) or out.dtype not in ("f32", "f64"):
        return None
    x, y = call.inputs
    if not isinstance(x, Place) or not isinstance(y, Place):
        return None
    if any(0 in place.shape or not apart(place, out, moving) for place in (x, y)):
        return None
    to = laid(out)
    if to is None or to[1]:
        return None
    rows, columns = prod(out.shape[:-1]), out.shape[-1]
    inner = prod(x.shape[:-1]) if isinstance(call.op, Outer) else x.shape[-1]
    arguments: list[Argument] = [out.dtype, rows, columns, inner]
    moves: list[tuple[int, int, int]] = []
    for place, turn in ((x, isinstance(call.op, Outer)), (y, isinstance(call.op, MatMul) and call.op.transposed)):
        found = laid(place)
        if found is None:
            return None
        turned = found[1] != turn
        down, across = (1, found[0]) if turned else (found[0], 1)
        moves.append((len(arguments), down, across))
        arguments += [place, found[0], int(turned)]
    (a, down, _), (b, _, across) = moves
    size = DTYPES[out.dtype]
    by_rows = split(rows, 1, [(a, down * size), (len(arguments), to[0] * size)], out.shape[0])
    by_columns = split(columns, 2, [(b, across * size), (len(arguments), size)])
    best = (by_columns, by_rows) if columns > FEW_ROWS > rows or columns > 2 * rows * MANY else (by_rows, by_columns)
    return Kernel(TEXT, (*arguments, out, to[0]), best)


FEW_ROWS, MANY = 96, 4
"""A product of fewer rows is shared by its columns, and one of many times as many columns too: each thread lays out
what both multiply with."""


def laid(place: Place) -> tuple[int, bool] | None:
    """How far apart its rows are, in elements; or its columns, where it is one that is transposed; else None.

    Leading axes are one.
    """
    if len(place.shape) < 2 or 0 in place.shape:
        return None
    shape = (prod(place.shape[:-1]), place.shape[-1])
    strides = reshaped(place.shape, place.strides, shape)
    if strides is None:
        return None
    (n, m), (a, b) = shape, strides
    if (b == 1 or m == 1) and (a >= m or n == 1):
        return max(a, m), False
    if (a == 1 or n == 1) and (b >= n or m == 1):
        return max(b, n), True
    return None
