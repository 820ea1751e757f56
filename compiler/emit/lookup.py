"""Rows of tables as kernels: looked up, added up by their ids, multiplied as far as there are any."""

from __future__ import annotations

from math import prod

from compiler.emit.kernel import Argument, Kernel
from compiler.emit.product import laid
from compiler.emit.row_kernel import PARTS
from compiler.emit.whole import Way, kernel_of, lies_whole, whole_numbers
from compiler.ir.types import DTYPES, Dtype
from compiler.ops.distinct import DistinctRows, MatMulRows, OuterRows, Places, PutPicks, WindowSums
from compiler.ops.lookup import AddRows, Dense, Gather, PickRows, ScatterRows, SetRows, StampRows
from compiler.plan.plan import Call, Place, RowsPlace, Where

FETCH = """\
    soon = min(max(named[min(i + 8, count - 1)], 0), rows - 1)
    fetch(table + soon * width * SIZE, width * SIZE)
    id = min(max(named[i], 0), rows - 1)
"""
"""The rows of a table lie anywhere: where the next ones are is said some rows ahead."""

GATHER = f"""
named = i64(ids, count)
for i in range(count):
{FETCH.rstrip()}
    row, y = F(table + id * width * SIZE, width), F(out + i * width * SIZE, width)
    for j in range(width):
        y[j] = row[j]
"""

SOME_ROWS = f"""
begin, end = n * before // {PARTS}, n * (before + parts) // {PARTS}
"""
"""The thread that does the last part clears what stands behind: as far as that is read."""

CLEAR_REST = f"""
if before + parts == {PARTS}:
    behind = (max(cleared, min(n + 1, room)) - n) * width
    rest = F(values + n * width * SIZE, behind)
    for j in range(behind):
        rest[j] = REAL(0)
"""

FIND_FEW = """
named, found, marked = i64(ids, count), i64(out_ids, room), b8(marks, rows)
for i in range(rows):
    marked[i] = False
for i in range(count):
    marked[min(max(named[i], 0), rows - 1)] = True
marked[0] = False
eights, n = i64(marks, rows // 8), 0
for e in range(rows // 8):
    if eights[e] != 0:
        for i in range(e * 8, e * 8 + 8):
            if n < room:
                found[n] = i
                n += marked[i]
for i in range(rows // 8 * 8, rows):
    if n < room:
        found[n] = i
        n += marked[i]
for i in range(n, room):
    found[i] = 0
i64(out_count, 1)[0] = n
"""
"""Which ids there are, in rising order. One look tells eight that nobody names; of others each is written, and the next
one over it where it is not named."""

FIND = (
    FIND_FEW
    + """
place = i64(work, rows)
for i in range(n):
    place[found[i]] = i
"""
)

CLEAR_ROWS = """
for i in range(max(cleared, min(n + 1, room))):
    whole = F(values + i * wide * SIZE, width)
    for j in range(width):
        whole[j] = REAL(0)
"""

PART = f"((at >> 4) * 633 & {PARTS - 1})"
OWN = f"before <= {PART} < before + parts"
"""Whether the row is the thread's: frequent words stand together, so each thread has some rows here and some there."""

CLEAR_OWN = f"""
for at in range(max(cleared, min(n + 1, room))):
    if {OWN}:
        whole = F(values + at * width * SIZE, width)
        for j in range(width):
            whole[j] = REAL(0)
"""

SCATTER = f"""
named, place, n = i64(ids, count), i64(work, rows), i64(out_count, 1)[0]
{CLEAR_OWN.strip()}
for i in range(count):
    id = min(max(named[i], 0), rows - 1)
    at = place[id]
    if id > 0 and {OWN}:
        row, y = F(x + i * width * SIZE, width), F(values + at * width * SIZE, width)
        for j in range(width):
            y[j] += row[j]
"""

PLACES = """
named, known, place = i64(ids, count), i64(rows_ids, room), i64(work, rows)
n = i64(rows_count, 1)[0]
for i in range(n):
    place[known[i]] = i
place[0] = min(n, room - 1)
y = i64(out, count)
for i in range(count):
    y[i] = place[min(max(named[i], 0), rows - 1)]
"""

SAME_IDS = """
n = i64(rows_count, 1)[0]
if out_ids != rows_ids:
    known, given = i64(rows_ids, room), i64(out_ids, room)
    for i in range(room):
        given[i] = known[i]
    i64(out_count, 1)[0] = n
"""

PICK_ROWS = (
    SAME_IDS
    + SOME_ROWS
    + """
known_ids = i64(rows_ids, room)
for i in range(begin, end):
    row, y = F(table + known_ids[i] * width * SIZE, width), F(values + i * width * SIZE, width)
    for j in range(width):
        y[j] = row[j]
"""
    + CLEAR_REST
)

ADD_ROWS = (
    """
if dense != out:
    row, y = F(dense, rows * width), F(out, rows * width)
    for j in range(rows * width):
        y[j] = row[j]
n = i64(rows_count, 1)[0]
"""
    + SOME_ROWS
    + """
known = i64(rows_ids, room)
for i in range(begin, end):
    row, y = F(values + i * width * SIZE, width), F(out + known[i] * width * SIZE, width)
    for j in range(width):
        y[j] += row[j]
"""
)

SET_ROWS = ADD_ROWS.replace("y[j] += row[j]", "y[j] = row[j]")

STAMP_ROWS = (
    """
stamp = i64(number, 1)[0]
if stamps != out:
    row, y = i64(stamps, rows), i64(out, rows)
    for j in range(rows):
        y[j] = row[j]
given, known, n = i64(out, rows), i64(rows_ids, room), i64(rows_count, 1)[0]
given[0] = stamp
"""
    + SOME_ROWS
    + """
for i in range(begin, end):
    given[known[i]] = stamp
"""
)

DENSE = """
whole = F(out, rows * width)
for j in range(rows * width):
    whole[j] = REAL(0)
known = i64(rows_ids, room)
for i in range(i64(rows_count, 1)[0]):
    row, y = F(values + i * width * SIZE, width), F(out + known[i] * width * SIZE, width)
    for j in range(width):
        y[j] = row[j]
"""

MATMUL_ROWS = (
    SAME_IDS
    + SOME_ROWS
    + """
if begin < end:
    product(gemm, end - begin, width, inner, x + begin * inner * SIZE, inner, 0, w, apart, turned,
            values + begin * width * SIZE, width)
"""
    + CLEAR_REST
)

OUTER_ROWS = """
n = i64(rows_count, 1)[0]
if n > 0:
    product(gemm, width, other, n, x, wide, 1, y, other, 0, out, other)
else:
    whole = F(out, width * other)
    for j in range(width * other):
        whole[j] = REAL(0)
"""

WINDOW_SUMS = """
for b in range(batch):
    place = i64(places + b * length * 8, length)
    for t in range(count):
        y = F(out + (b * count + t) * width * SIZE, width)
        for j in range(width):
            y[j] = REAL(0)
        for tap in range(taps):
            at = t + tap * dilation - before
            if at >= 0 and at < length:
                row = F(x + (place[at] * taps + tap) * width * SIZE, width)
                for j in range(width):
                    y[j] += row[j]
"""

PUT_PICKS = (
    SAME_IDS
    + """
cleared = max(cleared, min(n + 1, room)) * taps * width
all = F(values, cleared)
for j in range(cleared):
    all[j] = REAL(0)
for b in range(batch):
    place = i64(places + b * length * 8, length)
    row, pick = F(x + b * width * SIZE, width), i64(picks + b * width * 8, width)
    for j in range(width):
        for tap in range(taps):
            at = pick[j] + tap * dilation - before
            if at >= 0 and at < length and place[at] < n:
                all[(place[at] * taps + tap) * width + j] += row[j]
"""
)


EACH_PART: dict[str, Argument] = {"before": 0, "parts": PARTS}
BY_PARTS = Way("parts", {"before": 1})


def lookup_kernels(call: Call, behind: bool) -> list[Kernel] | None:
    """Of any op that reads or makes rows of a table; None where an array among them has gaps.

    behind: as in `compiler.emit.calls.call_kernels`
    """
    if isinstance(call.op, (ScatterRows, DistinctRows)):
        return _found_rows(call, behind)
    kernel = _kernel(call, behind)
    return None if kernel is None else [kernel]


def _found_rows(call: Call, behind: bool) -> list[Kernel] | None:
    """Which rows there are, and then these rows."""
    out, given = call.out, call.inputs
    if not lies_whole(*(x for where in (out, *given) for x in _arrays(where))) or not isinstance(out, RowsPlace):
        return None
    dtype, ids, width = out.values.dtype, given[isinstance(call.op, DistinctRows)], prod(out.values.shape[1:])
    assert isinstance(ids, Place)
    if dtype not in ("f32", "f64"):
        return None
    if isinstance(call.op, DistinctRows):
        table = given[0]
        assert isinstance(table, Place)
        same: dict[str, Argument] = {"rows_ids": out.ids, "rows_count": out.count}
        picked = kernel_of(PICK_ROWS, dtype, BY_PARTS, table=table, **_of(out, behind), **same, **EACH_PART)
        return [find_kernel(call, ids, out), picked]
    x = given[1]
    assert isinstance(x, Place)
    added = kernel_of(SCATTER, dtype, BY_PARTS, ids=ids, count=prod(ids.shape), work=call.scratch[0], x=x,
                      values=out.values, out_count=out.count, rows=out.rows, room=out.ids.shape[0],
                      cleared=cleared(out, behind), width=width, **EACH_PART)  # fmt: skip
    return [find_kernel(call, ids, out), added]


def find_kernel(call: Call, ids: Place, out: RowsPlace) -> Kernel:
    """Which ids there are; and, where the call has a place for it, where each is among them.

    call.scratch: perhaps i64[V], and then bool[V]
    """
    *work, marks = call.scratch
    places: dict[str, Argument] = {"work": work[0]} if work else {}
    return kernel_of(FIND if work else FIND_FEW, out.values.dtype, ids=ids, count=prod(ids.shape), marks=marks,
                     **places, out_ids=out.ids, out_count=out.count, rows=out.rows,
                     room=out.ids.shape[0])  # fmt: skip


def _kernel(call: Call, behind: bool) -> Kernel | None:
    arrays = [x for where in (call.out, *call.inputs) for x in _arrays(where)]
    # A matrix that rows are multiplied with may be a transposed one.
    if not lies_whole(*arrays[: -1 if isinstance(call.op, MatMulRows) else None]):
        return None
    dtypes: list[Dtype] = [x.dtype for x in arrays if x.dtype in ("f32", "f64")]
    if not dtypes:
        return None
    dtype, out, given = dtypes[0], call.out, call.inputs
    numbers = whole_numbers(call)
    match call.op, out, given:
        case Gather(), Place(), (Place() as table, Place() as ids):
            width = prod(table.shape[1:])
            by_rows = Way("count", {"ids": 8, "out": width * DTYPES[dtype]}, out.shape[0])
            return kernel_of(GATHER, dtype, by_rows, table=table, ids=ids, out=out, count=prod(ids.shape),
                             rows=table.shape[0], width=width)  # fmt: skip
        case Places(), Place(), (RowsPlace() as rows, Place() as ids):
            return kernel_of(PLACES, dtype, ids=ids, out=out, work=call.scratch[0], count=prod(ids.shape),
                             **_read(rows))  # fmt: skip
        case PickRows(), RowsPlace(), (Place() as table, RowsPlace() as rows):
            return kernel_of(PICK_ROWS, dtype, *_alike(out, rows), table=table, **_same(out, rows, behind), **EACH_PART)
        case AddRows() | SetRows(), Place(), (Place() as dense, RowsPlace() as rows):
            text, ways = ADD_ROWS if isinstance(call.op, AddRows) else SET_ROWS, (BY_PARTS,) if dense == out else ()
            return kernel_of(text, dtype, *ways, out=out, dense=dense, **_read(rows), **EACH_PART)
        case StampRows(), Place(), (Place() as stamps, RowsPlace() as rows, Place() as number):
            ways = (BY_PARTS,) if stamps == out else ()
            return kernel_of(STAMP_ROWS, dtype, *ways, out=out, stamps=stamps, number=number, **_read(rows),
                             **EACH_PART)  # fmt: skip
        case Dense(), Place(), (RowsPlace() as rows,):
            return kernel_of(DENSE, dtype, out=out, **_read(rows))
        case MatMulRows(transposed=transposed), RowsPlace(), (RowsPlace() as rows, Place() as w):
            return _matmul_rows(out, rows, w, transposed, behind)
        case OuterRows(), Place(), (RowsPlace() as x, RowsPlace() as y):
            width, other = x.values.shape[1], y.values.shape[1]
            by_rows = Way("width", {"x": DTYPES[dtype], "out": other * DTYPES[dtype]})
            return kernel_of(OUTER_ROWS, dtype, by_rows, gemm=dtype, x=x.values, y=y.values, rows_count=x.count,
                             out=out, width=width, wide=width, other=other)  # fmt: skip
        case WindowSums(size=size), Place(), (RowsPlace() as rows, Place() as places):
            batch, count, width = out.shape
            by_texts = Way("batch", {"places": places.shape[1] * 8, "out": count * width * DTYPES[dtype]})
            return kernel_of(WINDOW_SUMS, dtype, by_texts, x=rows.values, places=places, out=out, batch=batch,
                             count=count, width=width, length=places.shape[1], taps=size, dilation=numbers["dilation"],
                             before=numbers["before"])  # fmt: skip
        case PutPicks(size=size), RowsPlace(), (Place() as x, Place() as picks, Place() as places, RowsPlace() as rows):
            given_ = _same(out, rows, behind) | {"width": x.shape[1]}
            return kernel_of(PUT_PICKS, dtype, x=x, picks=picks, places=places, batch=x.shape[0],
                             length=places.shape[1], taps=size, dilation=numbers["dilation"],
                             before=numbers["before"], **given_)  # fmt: skip
        case _:
            return None


def _arrays(where: Where) -> list[Place]:
    if isinstance(where, RowsPlace):
        return [where.ids, where.count, where.values]
    return [where] if isinstance(where, Place) else []


def _matmul_rows(out: RowsPlace, rows: RowsPlace, w: Place, transposed: bool, behind: bool) -> Kernel | None:
    found = laid(w)
    if found is None:
        return None
    inner, turned = rows.values.shape[1], int(found[1] != transposed)
    return kernel_of(MATMUL_ROWS, out.values.dtype, *_alike(out, rows), gemm=out.values.dtype, x=rows.values, w=w,
                     inner=inner, apart=found[0], turned=turned, **_same(out, rows, behind), **EACH_PART)  # fmt: skip


def _alike(out: RowsPlace, like: RowsPlace) -> tuple[Way, ...]:
    """Shared unless ids have to be copied first."""
    return (BY_PARTS,) if out.ids == like.ids and out.count == like.count else ()


def _of(out: RowsPlace, behind: bool) -> dict[str, Argument]:
    return {
        "out_ids": out.ids, "out_count": out.count, "values": out.values, "rows": out.rows,
        "room": out.ids.shape[0], "cleared": cleared(out, behind), "width": prod(out.values.shape[1:]),
    }  # fmt: skip


def cleared(out: RowsPlace, behind: bool) -> int:
    """Up to which row there are zeros where there is no row, beside the first one behind those that there are."""
    return out.ids.shape[0] if behind else 0


def _read(rows: RowsPlace) -> dict[str, Argument]:
    return {
        "rows_ids": rows.ids, "rows_count": rows.count, "values": rows.values, "rows": rows.rows,
        "room": rows.ids.shape[0], "width": prod(rows.values.shape[1:]),
    }  # fmt: skip


def _same(out: RowsPlace, like: RowsPlace, behind: bool) -> dict[str, Argument]:
    return _of(out, behind) | {"rows_ids": like.ids, "rows_count": like.count}
