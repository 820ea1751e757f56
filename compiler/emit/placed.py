"""Rows at the places of a text, and back, as kernels."""

from __future__ import annotations

from math import prod

from compiler.emit.kernel import Kernel
from compiler.emit.lookup import CLEAR_ROWS, cleared
from compiler.emit.whole import Way, kernel_of, lies_whole
from compiler.ir.types import DTYPES
from compiler.plan.plan import Call, Place, RowsPlace

AT = """
for i in range(count):
    row = F(values + i64(places + i * 8, 1)[0] * width * SIZE, width)
    y = F(out + i * width * SIZE, width)
    for j in range(width):
        y[j] = row[j]
"""

ADD = f"""
n = i64(rows_count, 1)[0]
{CLEAR_ROWS.strip()}
for i in range(count):
    place = i64(places + i * 8, 1)[0]
    if place < n:
        row, y = F(x + i * wide * SIZE, width), F(values + place * wide * SIZE, width)
        for j in range(width):
            y[j] += row[j]
"""


def placed_kernel(call: Call, behind: bool) -> Kernel | None:
    """behind: as in `compiler.emit.calls.call_kernels`"""
    match call.out, call.inputs:
        case Place() as out, (RowsPlace() as rows, Place() as places):
            if not lies_whole(rows.values, places, out):
                return None
            width, count = out.shape[-1], prod(places.shape)
            by_rows = Way("count", {"places": 8, "out": width * DTYPES[out.dtype]}, out.shape[0])
            return kernel_of(AT, out.dtype, by_rows, values=rows.values, places=places, out=out, count=count,
                             width=width)  # fmt: skip
        case RowsPlace() as out, (Place() as x, Place() as places, RowsPlace() as like):
            if (out.ids, out.count) != (like.ids, like.count) or not lies_whole(x, places, out.values):
                return None
            width, size = x.shape[-1], DTYPES[x.dtype]
            by_columns = Way("width", {"x": size, "values": size})
            return kernel_of(ADD, x.dtype, by_columns, x=x, places=places, rows_count=out.count, values=out.values,
                             room=out.ids.shape[0], cleared=cleared(out, behind), count=prod(places.shape),
                             width=width, wide=width)  # fmt: skip
        case _:
            return None
