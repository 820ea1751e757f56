"""Products with the rows that ids name, as kernels that read the rows where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from compiler.emit.classes import STACK
from compiler.emit.kernel import Argument, Kernel
from compiler.emit.lookup import BY_PARTS, CLEAR_OWN, EACH_PART, OWN, PART, cleared, find_kernel
from compiler.emit.whole import Way, kernel_of, lies_whole
from compiler.ir.types import DTYPES
from compiler.ops.gathered import AddOuter, GatherDot, ScatterOuter
from compiler.plan.plan import Call, Place, RowsPlace, Where

EACH = """
        for l in range(length):
            i = b * length + l
            id = min(max(named[i], 0), rows - 1)
            row = table + (id * width + first) * SIZE
"""

DOT = f"""
named = i64(ids, batch * length)
for b in range(batch):
    y = F(out + b * length * SIZE, length)
    for first in range(0, width, strip_width_F(COLUMNS)):
        part = load_strip_F(x + (b * width + first) * SIZE, width - first, COLUMNS)
        {EACH.strip()}
            found = inner_F(part, row, width - first)
            y[l] = found if first == 0 else y[l] + found
"""

SUM = f"""
named = i64(ids, batch * length)
for b in range(batch):
    for first in range(0, width, strip_width_F(COLUMNS)):
        part = zero_strip_F(COLUMNS)
        {EACH.strip()}
            times = WEIGHT
            if id > 0 or times != 0:
                part = plus_row_F(part, row, times, width - first)
        store_strip_F(out + (b * width + first) * SIZE, part, width - first)
"""

LIST_OWN = f"""
count = batch * length
named, own, few = i64(ids, count), i64(listed, count), i64(stack_u64(), {STACK})
m = 0
for i in range(count):
    id = min(max(named[i], 0), rows - 1)
    at = ROW
    m += (id > 0) & ({PART} < before)
begin = m
for block in range(0, count, {STACK}):
    found = 0
    for i in range(block, min(block + {STACK}, count)):
        id = min(max(named[i], 0), rows - 1)
        at = ROW
        few[found] = i
        found += (id > 0) & ({OWN})
    for k in range(found):
        own[m + k] = few[k]
    m += found
"""
"""The ids whose rows this thread adds up, behind those of the threads before it.

They are listed first, for a processor can't foresee which they are and would begin again at every other one.
"""

ADD_OWN = """
for first in range(0, width, strip_width_F(COLUMNS)):
    b = -1
    part = zero_strip_F(COLUMNS)
    for k in range(begin, m):
        i = own[k]
        if i >= (b + 1) * length:
            b = i // length
            part = load_strip_F(x + (b * width + first) * SIZE, width - first, COLUMNS)
        id = min(named[i], rows - 1)
        add_to_row_F(PLACE + first * SIZE, part, TIMES, width - first)
"""

SCATTER = f"""
place, n = i64(work, rows), i64(out_count, 1)[0]
{CLEAR_OWN.strip()}
{LIST_OWN.replace("ROW", "place[id]").strip()}
{ADD_OWN.replace("PLACE", "values + place[id] * width * SIZE").replace("TIMES", "WEIGHT").strip()}
"""

FEW = 8
"""So many rows of an id are added to its table one by one; of more their sum, for one may be too little to move it."""

ADD = f"""
if table != out:
    row, y = F(table, rows * width), F(out, rows * width)
    for j in range(rows * width):
        y[j] = row[j]
{LIST_OWN.replace("ROW", "id").strip()}
place = i64(work, rows)
for k in range(begin, m):
    place[min(named[own[k]], rows - 1)] = 0
for k in range(begin, m):
    place[min(named[own[k]], rows - 1)] += 1
for k in range(begin, m):
    i = own[k]
    id = min(named[i], rows - 1)
    if place[id] > {FEW}:
        place[id] = -1 - i
        row = F(sums + i * width * SIZE, width)
        for j in range(width):
            row[j] = REAL(0)
times = F(scale, 1)[0]
{
    ADD_OWN.replace("PLACE", "(out + id * width * SIZE if place[id] > 0 else sums - (place[id] + 1) * width * SIZE)")
    .replace("TIMES", "times * WEIGHT")
    .strip()
}
for k in range(begin, m):
    i = own[k]
    id = min(named[i], rows - 1)
    if place[id] == -1 - i:
        row, y = F(sums + i * width * SIZE, width), F(out + id * width * SIZE, width)
        for j in range(width):
            y[j] += row[j]
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
    if isinstance(call.op, AddOuter):
        return [_added(call, out, table, ids)]
    size, (batch, length), (rows, width) = DTYPES[table.dtype], ids.shape, table.shape
    sizes: dict[str, Argument] = {"batch": batch, "length": length, "rows": rows, "width": width}
    by_example = {"ids": length * 8, "out": out.shape[1] * size}
    if isinstance(call.op, GatherDot):
        (x,) = more
        assert isinstance(x, Place)
        way = Way("batch", by_example | {"x": width * size})
        return [kernel_of(_text(DOT, {}, width), table.dtype, way, table=table, ids=ids, x=x, out=out, **sizes)]
    weights = _weights(more)
    way = Way("batch", by_example | dict.fromkeys(weights, length * size))
    return [kernel_of(_text(SUM, weights, width), table.dtype, way, table=table, ids=ids, **weights, out=out, **sizes)]


def _scatter(call: Call, behind: bool) -> list[Kernel] | None:
    ids, x, *_ = call.inputs
    out = call.out
    assert isinstance(ids, Place)
    assert isinstance(x, Place)
    if not isinstance(out, RowsPlace) or not lies_whole(out.values) or x.dtype not in ("f32", "f64"):
        return None
    (batch, length), width = ids.shape, x.shape[1]
    weights, (listed, *found) = _weights(call.inputs[2:]), call.scratch
    added = kernel_of(_text(SCATTER, weights, width), x.dtype, BY_PARTS, ids=ids, listed=listed, work=found[0], x=x,
                      **weights, values=out.values, out_count=out.count, batch=batch, length=length, rows=out.rows,
                      room=out.ids.shape[0], cleared=cleared(out, behind), width=width,
                      **EACH_PART)  # fmt: skip
    return [find_kernel(replace(call, scratch=tuple(found)), ids, out), added]


def _added(call: Call, out: Place, table: Place, ids: Place) -> Kernel:
    _, _, x, scale, *_ = call.inputs
    assert isinstance(x, Place)
    assert isinstance(scale, Place)
    weights, (listed, work, sums) = _weights(call.inputs[4:]), call.scratch
    (batch, length), (rows, width) = ids.shape, table.shape
    ways = (BY_PARTS,) if table == out else ()
    return kernel_of(_text(ADD, weights, width), table.dtype, *ways, table=table, ids=ids, x=x, scale=scale, **weights,
                     out=out, listed=listed, work=work, sums=sums, batch=batch, length=length, rows=rows, width=width,
                     **EACH_PART)  # fmt: skip


def _weights(more: Sequence[Where]) -> dict[str, Argument]:
    """Of the rows, where they have some."""
    by = more[0] if more else None
    return {"by": by} if isinstance(by, Place) else {}


def _text(text: str, weights: dict[str, Argument], width: int) -> str:
    """For rows about so wide."""
    columns = -(-width // 8) * 8
    return text.replace("WEIGHT", "F(by + i * SIZE, 1)[0]" if weights else "REAL(1)").replace("COLUMNS", str(columns))
