"""Softmax, its logarithm, and what stands at a place of each row, as kernels."""

from __future__ import annotations

from math import prod

from compiler.emit.kernel import Kernel
from compiler.emit.whole import Way, kernel_of, lies_whole, whole_numbers
from compiler.ir.types import DTYPES
from compiler.ops.attention import CausalSoftmax, KeySoftmax
from compiler.ops.normal import LogSoftmax, LogSumExp, Softmax
from compiler.ops.reduction import ArgMax, PutAlong, TakeAlong
from compiler.plan.plan import Call, Place

SOFTMAX = """
for i in range(rows):
    a, b = x + i * n * SIZE, out + i * n * SIZE
    share = REAL(1) / powers_F(a, b, n, largest_F(a, n))
    y = F(b, n)
    for j in range(n):
        y[j] = y[j] * share
"""

LOG_SOFTMAX = """
for i in range(rows):
    a = x + i * n * SIZE
    top = largest_F(a, n)
    total = log_F(power_sum_F(a, n, top))
    row, y = F(a, n), F(out + i * n * SIZE, n)
    for j in range(n):
        y[j] = (row[j] - top) - total
"""

LOG_SUM_EXP = """
for i in range(rows):
    a = x + i * n * SIZE
    top = largest_F(a, n)
    F(out + i * SIZE, 1)[0] = log_F(power_sum_F(a, n, top)) + top
"""

SEEN_SOFTMAX = """
for b in range(batch):
    {seen}
    for h in range(heads):
        for t in range(queries):
            {seen_by_each}
            at = ((b * heads + h) * queries + t) * keys * SIZE
            y = F(out + at, keys)
            top = maximum_F(largest_F(x + at, seen), REAL(-3e38))
            share = REAL(1) / maximum_F(powers_F(x + at, out + at, seen, top), REAL(1))
            for j in range(seen):
                y[j] = y[j] * share
            for j in range(seen, keys):
                y[j] = REAL(0)
"""
KEYS = SEEN_SOFTMAX.format(
    seen="seen = min(max((factor * i64(tokens + b * 8, 1)[0] + shift) // step, least), keys)", seen_by_each=""
)
CAUSAL = SEEN_SOFTMAX.format(seen="", seen_by_each="seen = min(t + 1, keys)")

TAKE_ALONG = """
for a in range(leading):
    for k in range(taken):
        places = i64(positions + (a * taken + k) * width * 8, width)
        y = F(out + (a * taken + k) * width * SIZE, width)
        for c in range(width):
            place = min(places[c], length - 1)
            y[c] = F(x + ((a * length + max(place, 0)) * width + c) * SIZE, 1)[0] if place >= 0 else REAL(0)
"""

PUT_ALONG = """
whole = F(out, leading * length * width)
for i in range(leading * length * width):
    whole[i] = REAL(0)
for a in range(leading):
    for k in range(taken):
        places = i64(positions + (a * taken + k) * width * 8, width)
        row = F(x + (a * taken + k) * width * SIZE, width)
        for c in range(width):
            if places[c] >= 0 and places[c] < length:
                whole[(a * length + places[c]) * width + c] = row[c]
"""

MOST_EXACT = 2**24
"""Up to which float32 has every whole number."""

ARG_MAX = """
# Positions are numbers of the same width as x, so that vectors hold as many of them.
best, place = F(top, width), F(rank, width)
for a in range(leading):
    first = F(x + a * length * width * SIZE, width)
    for c in range(width):
        best[c] = first[c]
        place[c] = REAL(0)
    for t in range(1, length):
        row, here = F(x + (a * length + t) * width * SIZE, width), REAL(t)
        for c in range(width):
            more = row[c] > best[c]
            place[c] = here if more else place[c]
            best[c] = row[c] if more else best[c]
    found = i64(out + a * width * 8, width)
    for c in range(width):
        found[c] = np.int64(place[c])
"""


STACK = 256
"""Numbers of which a kernel may have so many on its stack: each thread has its own."""
ARG_MAX_FEW = ARG_MAX.replace("F(top, width), F(rank, width)", "F(stack_F(), width), F(stack_F(), width)")


def softmax_kernel(call: Call) -> Kernel | None:
    x, out = call.inputs[0], call.out
    if not isinstance(x, Place) or not isinstance(out, Place) or not lies_whole(x, out):
        return None
    n, size = x.shape[-1], DTYPES[x.dtype]
    by_rows = Way("rows", {"x": n * size, "out": n * size}, x.shape[0])
    match call.op:
        case Softmax():
            return kernel_of(SOFTMAX, x.dtype, by_rows, x=x, out=out, rows=prod(x.shape[:-1]), n=n)
        case LogSoftmax():
            return kernel_of(LOG_SOFTMAX, x.dtype, by_rows, x=x, out=out, rows=prod(x.shape[:-1]), n=n)
        case LogSumExp(axis=axis) if axis == len(x.shape) - 1:
            by_rows = Way("rows", {"x": n * size, "out": size}, x.shape[0])
            return kernel_of(LOG_SUM_EXP, x.dtype, by_rows, x=x, out=out, rows=prod(x.shape[:-1]), n=n)
        case KeySoftmax():
            batch, heads, queries, keys = x.shape
            tokens = call.inputs[1]
            assert isinstance(tokens, Place)
            real = whole_numbers(call)
            text = heads * queries * keys * size
            by_texts = Way("batch", {"x": text, "out": text, "tokens": 8})
            return kernel_of(KEYS, x.dtype, by_texts, x=x, out=out, tokens=tokens, batch=batch, heads=heads,
                             queries=queries, keys=keys, **real)  # fmt: skip
        case CausalSoftmax():
            batch, heads, queries, keys = x.shape
            text = heads * queries * keys * size
            return kernel_of(
                CAUSAL,
                x.dtype,
                Way("batch", {"x": text, "out": text}),
                x=x,
                out=out,
                batch=batch,
                heads=heads,
                queries=queries,
                keys=keys,
            )
        case _:
            return None


def along_kernel(call: Call) -> Kernel | None:
    """Of numbers taken from places along an axis, or put there, or of the place of the largest."""
    op, out, x = call.op, call.out, call.inputs[0]
    assert isinstance(op, (TakeAlong, PutAlong, ArgMax))
    if not isinstance(x, Place) or not isinstance(out, Place) or x.dtype not in ("f32", "f64"):
        return None
    if not lies_whole(x, out):
        return None
    whole = out if isinstance(op, PutAlong) else x
    sizes = {
        "leading": prod(whole.shape[: op.axis]), "length": whole.shape[op.axis],
        "width": prod(whole.shape[op.axis + 1 :]),
    }  # fmt: skip
    if isinstance(op, ArgMax):
        top, _, rank = call.scratch
        if prod(rank.shape) * DTYPES[rank.dtype] < sizes["width"] * DTYPES[x.dtype] or sizes["length"] > MOST_EXACT:
            return None
        if sizes["width"] > STACK:
            return kernel_of(ARG_MAX, x.dtype, x=x, out=out, top=top, rank=rank, **sizes)
        row = sizes["width"] * DTYPES[x.dtype]
        by_rows = Way("leading", {"x": sizes["length"] * row, "out": sizes["width"] * 8}, x.shape[0])
        return kernel_of(ARG_MAX_FEW, x.dtype, by_rows, x=x, out=out, **sizes)
    positions = call.inputs[1]
    if not isinstance(positions, Place) or not lies_whole(positions):
        return None
    text = TAKE_ALONG if isinstance(op, TakeAlong) else PUT_ALONG
    taken, width = positions.shape[op.axis], sizes["width"] * DTYPES[x.dtype]
    long, short = ("x", "out") if isinstance(op, TakeAlong) else ("out", "x")
    moves = {long: sizes["length"] * width, short: taken * width, "positions": taken * sizes["width"] * 8}
    by_rows = Way("leading", moves, x.shape[0])
    return kernel_of(text, x.dtype, by_rows, x=x, out=out, positions=positions, taken=taken, **sizes)
