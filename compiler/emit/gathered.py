"""Products with the rows that ids name, as kernels that read the rows where they lie."""

from __future__ import annotations

from textwrap import indent

from compiler.emit.kernel import Argument, Kernel
from compiler.emit.lookup import BY_PARTS, CLEAR_OWN, EACH_PART, FETCH, OWN, cleared, find_kernel
from compiler.emit.whole import Way, kernel_of, lies_whole
from compiler.ir.types import DTYPES
from compiler.ops.gathered import GatherDot, ScatterOuter
from compiler.plan.plan import Call, Place, RowsPlace

EACH = f"""
    for l in range(length):
        i = b * length + l
{indent(FETCH.rstrip(), "    ")}
        row = table + id * width * SIZE
"""

DOT = f"""
count = batch * length
named = i64(ids, count)
for b in range(batch):
    y = F(out + b * length * SIZE, length)
    {EACH.strip()}
        y[l] = product_sum_F(row, x + b * width * SIZE, width)
"""

SUM = f"""
count = batch * length
named = i64(ids, count)
for b in range(batch):
    y = F(out + b * width * SIZE, width)
    for j in range(width):
        y[j] = REAL(0)
    {EACH.strip()}
        x = F(row, width)
        WEIGHT
        for j in range(width):
            y[j] += TIMES x[j]
"""

SCATTER = f"""
place, n = i64(work, rows), i64(out_count, 1)[0]
{CLEAR_OWN.strip()}
named = i64(ids, batch * length)
for b in range(batch):
    row = F(x + b * width * SIZE, width)
    for l in range(length):
        i = b * length + l
        id = min(max(named[i], 0), rows - 1)
        at = place[id]
        if id > 0 and {OWN}:
            y = F(values + at * width * SIZE, width)
            WEIGHT
            for j in range(width):
                y[j] += TIMES row[j]
"""


def gathered_kernels(call: Call, behind: bool) -> list[Kernel] | None:
    """behind: as in `compiler.emit.calls.call_kernels`"""
    if not all(isinstance(x, Place) and lies_whole(x) for x in call.inputs):
        return None
    if isinstance(call.op, ScatterOuter):
        return _scatter(call, behind)
    table, ids, *more = call.inputs
    out = call.out
    assert isinstance(table, Place)
    assert isinstance(ids, Place)
    if not isinstance(out, Place) or not lies_whole(out) or table.dtype not in ("f32", "f64"):
        return None
    size, (batch, length), (rows, width) = DTYPES[table.dtype], ids.shape, table.shape
    sizes: dict[str, Argument] = {"batch": batch, "length": length, "rows": rows, "width": width}
    by_example = {"ids": length * 8, "out": out.shape[1] * size}
    if isinstance(call.op, GatherDot):
        (x,) = more
        assert isinstance(x, Place)
        way = Way("batch", by_example | {"x": width * size})
        return [kernel_of(DOT, table.dtype, way, table=table, ids=ids, x=x, out=out, **sizes)]
    weights = _weights(call)
    way = Way("batch", by_example | dict.fromkeys(weights, length * size))
    return [kernel_of(_weighted(SUM, weights), table.dtype, way, table=table, ids=ids, **weights, out=out, **sizes)]


def _scatter(call: Call, behind: bool) -> list[Kernel] | None:
    ids, x, *_ = call.inputs
    out = call.out
    assert isinstance(ids, Place)
    assert isinstance(x, Place)
    if not isinstance(out, RowsPlace) or not lies_whole(out.values) or x.dtype not in ("f32", "f64"):
        return None
    (batch, length), width = ids.shape, x.shape[1]
    weights = _weights(call)
    added = kernel_of(_weighted(SCATTER, weights), x.dtype, BY_PARTS, ids=ids, work=call.scratch[0], x=x, **weights,
                      values=out.values, out_count=out.count, batch=batch, length=length, rows=out.rows,
                      room=out.ids.shape[0], cleared=cleared(out, behind), width=width,
                      **EACH_PART)  # fmt: skip
    return [find_kernel(call, ids, out), added]


def _weights(call: Call) -> dict[str, Argument]:
    """Of the rows, where they have some."""
    by = call.inputs[2] if len(call.inputs) > 2 else None
    return {"by": by} if isinstance(by, Place) else {}


def _weighted(text: str, weights: dict[str, Argument]) -> str:
    if not weights:
        return text.replace("TIMES ", "").replace("WEIGHT\n", "\n")
    return text.replace("TIMES", "times *").replace("WEIGHT", "times = F(by + i * SIZE, 1)[0]")
