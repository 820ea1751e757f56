"""Products with the picks of a maximum as kernels: a row is added for each tap of each pick."""

from __future__ import annotations

from textwrap import indent

from compiler.emit.kernel import Argument, Kernel
from compiler.emit.lookup import SAME_IDS
from compiler.emit.whole import Way, kernel_of, lies_whole
from compiler.ir.types import DTYPES
from compiler.ops.picks import PicksMatMul, PicksOuter
from compiler.plan.plan import Call, Place, RowsPlace

# For each tap of each pick that counts, with the rows at these addresses: to += number * from.
EACH_PICK = """\
        number = F(x + (b * wide + j) * SIZE, 1)[0]
        if number != REAL(0):
            pick = i64(picks + (b * wide + j) * 8, 1)[0]
            for tap in range(taps):
                at = pick + tap * dilation - before
                if at >= 0 and at < length:
                    place = i64(places + (b * length + at) * 8, 1)[0]
                    if place < n:
                        row = F(FROM, depth)
                        y = F(TO, depth)
                        for d in range(depth):
                            y[d] += number * row[d]
"""
WORD, TAP = "values + place * deep * SIZE", "work + (j * taps + tap) * deep * SIZE"

OUTER = (
    """
n = i64(rows_count, 1)[0]
every = F(work, width * taps * depth)
for d in range(width * taps * depth):
    every[d] = REAL(0)
for j in range(width):
    for b in range(batch):
"""
    + EACH_PICK.replace("FROM", WORD).replace("TO", TAP)
    + """\
for d in range(depth):
    for tap in range(taps):
        row = F(work + (tap * depth + d) * SIZE, (width - 1) * taps * depth + 1)
        y = F(out + (d * taps + tap) * wide * SIZE, width)
        for j in range(width):
            y[j] = row[j * taps * depth]
"""
)

MATMUL = (
    SAME_IDS
    + """
for d in range(depth):
    for tap in range(taps):
        row = F(w + (d * taps + tap) * width * SIZE, width)
        y = F(work + (tap * deep + d) * SIZE, (width - 1) * taps * deep + 1)
        for j in range(width):
            y[j * taps * deep] = row[j]
FIRST
for b in range(batch):
    for j in range(width):
"""
    + EACH_PICK.replace("FROM", TAP).replace("TO", WORD)
)
EVERY_ROW = """\
for i in range(max(cleared, min(n + 1, room))):
    every = F(values + i * deep * SIZE, depth)
"""
NOTHING = (
    EVERY_ROW
    + """\
    for d in range(depth):
        every[d] = REAL(0)
"""
)
OTHERS = "if onto != values:\n" + indent(
    EVERY_ROW
    + """\
    other = F(onto + i * deep * SIZE, depth)
    for d in range(depth):
        every[d] = other[d]
""",
    "    ",
)
"""What a product of picks is added to."""


def picks_kernel(call: Call, behind: bool) -> Kernel | None:
    """behind: as in `compiler.emit.calls.call_kernels`"""
    op, out = call.op, call.out
    assert isinstance(op, (PicksOuter, PicksMatMul))
    x, picks, places = call.inputs[1:4] if isinstance(op, PicksOuter) else call.inputs[:3]
    rows = call.inputs[0 if isinstance(op, PicksOuter) else 3]
    assert isinstance(x, Place)
    assert isinstance(picks, Place)
    assert isinstance(places, Place)
    assert isinstance(rows, RowsPlace)
    if not lies_whole(x, picks, places, rows.values) or x.dtype not in ("f32", "f64"):
        return None
    size = DTYPES[x.dtype]
    given: dict[str, Argument] = {
        "x": x, "picks": picks, "places": places, "rows_count": rows.count, "work": call.scratch[0],
        "batch": x.shape[0], "width": x.shape[1], "length": places.shape[1], "depth": rows.values.shape[1],
        "wide": x.shape[1], "deep": rows.values.shape[1],
        "taps": op.size, "dilation": op.dilation, "before": op.before,
    }  # fmt: skip
    if isinstance(out, Place) and lies_whole(out):
        moves = {"x": size, "picks": 8, "out": size, "work": op.size * rows.values.shape[1] * size}
        return kernel_of(OUTER, x.dtype, Way("width", moves), values=rows.values, out=out, **given)
    assert isinstance(op, PicksMatMul)
    w, onto = call.inputs[4], op.onto(call.inputs)
    if not isinstance(out, RowsPlace) or not isinstance(w, Place) or not lies_whole(w):
        return None
    moves = {"values": size, "work": size, "w": op.size * x.shape[1] * size}
    if isinstance(onto, RowsPlace):
        given["onto"] = onto.values
        moves["onto"] = size
    text = MATMUL.replace("FIRST\n", NOTHING if onto is None else OTHERS)
    ways = (Way("depth", moves),) if out.ids == rows.ids and out.count == rows.count else ()
    return kernel_of(text, x.dtype, *ways, values=out.values, out_ids=out.ids, out_count=out.count, rows_ids=rows.ids,
                     room=rows.ids.shape[0], cleared=rows.ids.shape[0] * behind, w=w, **given)  # fmt: skip
