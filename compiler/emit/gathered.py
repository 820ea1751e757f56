"""Products with the rows that ids name, as kernels that read the rows where they lie."""

from __future__ import annotations

from compiler.emit.classes import STACK
from compiler.emit.kernel import Argument, Kernel
from compiler.emit.lookup import BY_PARTS, CLEAR_OWN, EACH_PART, OWN, cleared, find_kernel
from compiler.emit.whole import Way, kernel_of, lies_whole
from compiler.ir.types import DTYPES
from compiler.ops.gathered import AddOuter, GatherDot, ScatterOuter
from compiler.plan.plan import Call, Place, RowsPlace

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
    for first in range(0, width, strip_width_F()):
        part = load_strip_F(x + (b * width + first) * SIZE, width - first)
        {EACH.strip()}
            found = inner_F(part, row, width - first)
            y[l] = found if first == 0 else y[l] + found
"""

SUM = f"""
named = i64(ids, batch * length)
for b in range(batch):
    for first in range(0, width, strip_width_F()):
        part = zero_strip_F()
        {EACH.strip()}
            times = WEIGHT
            if id > 0 or times != 0:
                part = plus_row_F(part, row, times, width - first)
        store_strip_F(out + (b * width + first) * SIZE, part, width - first)
"""


def _adding(begin: str, place: str, to: str, times: str) -> str:
    """To rows of `to` is added what each example has for its ids. place: which row is an id's

    An example's ids of which this thread adds up the rows are listed first: a processor can't foresee which they are.
    """
    return f"""
{begin.strip()}
named, own = i64(ids, batch * length), i64(stack_u64(), {STACK})
for b in range(batch):
    for begin in range(0, length, {STACK}):
        m = 0
        for l in range(begin, min(begin + {STACK}, length)):
            id = min(max(named[b * length + l], 0), rows - 1)
            at = {place}
            own[m] = b * length + l
            m += (id > 0) & ({OWN})
        for first in range(0, width, strip_width_F()):
            part = load_strip_F(x + (b * width + first) * SIZE, width - first)
            for k in range(m):
                i = own[k]
                id = min(max(named[i], 0), rows - 1)
                at = {place}
                add_to_row_F({to} + (at * width + first) * SIZE, part, {times}, width - first)
"""


SCATTER = _adding(
    f"place, n = i64(work, rows), i64(out_count, 1)[0]\n{CLEAR_OWN.strip()}", "place[id]", "values", "WEIGHT"
)
ADD = _adding(
    """
if table != out:
    row, y = F(table, rows * width), F(out, rows * width)
    for j in range(rows * width):
        y[j] = row[j]
times = F(scale, 1)[0]
""",
    "id",
    "out",
    "times * WEIGHT",
)


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
        return [kernel_of(DOT, table.dtype, way, table=table, ids=ids, x=x, out=out, **sizes)]
    weights = _weights(call, 2)
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
    weights = _weights(call, 2)
    added = kernel_of(_weighted(SCATTER, weights), x.dtype, BY_PARTS, ids=ids, work=call.scratch[0], x=x, **weights,
                      values=out.values, out_count=out.count, batch=batch, length=length, rows=out.rows,
                      room=out.ids.shape[0], cleared=cleared(out, behind), width=width,
                      **EACH_PART)  # fmt: skip
    return [find_kernel(call, ids, out), added]


def _added(call: Call, out: Place, table: Place, ids: Place) -> Kernel:
    _, _, x, scale, *_ = call.inputs
    assert isinstance(x, Place)
    assert isinstance(scale, Place)
    weights = _weights(call, 4)
    (batch, length), (rows, width) = ids.shape, table.shape
    return kernel_of(_weighted(ADD, weights), table.dtype, *((BY_PARTS,) if table == out else ()), table=table, ids=ids,
                     x=x, scale=scale, **weights, out=out, batch=batch, length=length, rows=rows, width=width,
                     **EACH_PART)  # fmt: skip


def _weights(call: Call, position: int) -> dict[str, Argument]:
    """Of the rows, where they have some."""
    by = call.inputs[position] if len(call.inputs) > position else None
    return {"by": by} if isinstance(by, Place) else {}


def _weighted(text: str, weights: dict[str, Argument]) -> str:
    return text.replace("WEIGHT", "F(by + i * SIZE, 1)[0]" if weights else "REAL(1)")
