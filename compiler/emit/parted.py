"""Sums over rows in parts as kernels: a thread does some of the parts."""

from __future__ import annotations

from math import prod

from compiler.emit.kernel import Kernel
from compiler.emit.product import laid
from compiler.emit.whole import Way, kernel_of, lies_whole
from compiler.ir.types import DTYPES
from compiler.ops.parted import OuterParts
from compiler.plan.plan import Call, Place

OUTER = """
for i in range(first, first + parts):
    begin, end = i * rows // whole, (i + 1) * rows // whole
    product(gemm, n, m, end - begin, x + begin * x_row * SIZE, x_far, x_turned, y + begin * y_row * SIZE, y_far,
            y_turned, out + (i - first) * n * m * SIZE, m)
"""

SUM = """
for i in range(first, first + parts):
    begin, end = i * rows // whole, (i + 1) * rows // whole
    found = F(out + (i - first) * n * SIZE, n)
    for j in range(n):
        found[j] = REAL(0)
    for r in range(begin, end):
        row = F(x + r * far * SIZE, n)
        for j in range(n):
            found[j] += row[j]
"""


def parted_kernel(call: Call) -> Kernel | None:
    """None where rows are not as far apart as each other, or BLAS takes them only as a copy."""
    out, x = call.out, call.inputs[0]
    if not isinstance(out, Place) or not isinstance(x, Place) or out.dtype not in ("f32", "f64"):
        return None
    a = laid(x)
    if a is None or not lies_whole(out):
        return None
    way = Way("parts", {"first": 1, "out": prod(out.shape[1:]) * DTYPES[out.dtype]})
    given = {"first": 0, "parts": out.shape[0], "whole": out.shape[0], "rows": prod(x.shape[:-1]), "n": out.shape[1]}
    if not isinstance(call.op, OuterParts):
        return None if a[1] else kernel_of(SUM, out.dtype, way, **given, x=x, far=a[0], out=out)
    y = call.inputs[1]
    b = laid(y) if isinstance(y, Place) else None
    if b is None or not isinstance(y, Place):
        return None
    return kernel_of(OUTER, out.dtype, way, **given, m=out.shape[2], gemm=out.dtype, x=x, x_row=1 if a[1] else a[0],
                     x_far=a[0], x_turned=int(not a[1]), y=y, y_row=1 if b[1] else b[0], y_far=b[0],
                     y_turned=int(b[1]), out=out)  # fmt: skip
