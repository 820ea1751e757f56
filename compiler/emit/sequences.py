"""Padding, attention's products and dropout as kernels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import inf, prod

from compiler.emit.kernel import Kernel, elementwise_kernel
from compiler.emit.whole import Way, kernel_of, lies_whole, whole_numbers
from compiler.ir.types import DTYPES
from compiler.ops.attention import HeadMix, HeadScores, HeadSpread
from compiler.ops.chance import DropoutMask
from compiler.ops.shape import Broadcast
from compiler.plan.plan import Call, Moving, Place

MASK = """
if x != out:
    row, y = F(x, batch * count * width), F(out, batch * count * width)
    for j in range(batch * count * width):
        y[j] = row[j]
for b in range(batch):
    real = max((factor * i64(tokens + b * 8, 1)[0] + shift) // step, least)
    for t in range(real, count):
        row = F(out + (b * far + t * near) * SIZE, width)
        for j in range(width):
            row[j] = FILL
"""

LENGTHS = """
for b in range(batch):
    F(out + b * SIZE, 1)[0] = REAL(max((factor * i64(tokens + b * 8, 1)[0] + shift) // step, least))
"""

ENDED = """
for b in range(batch):
    real = max((factor * i64(tokens + b * 8, 1)[0] + shift) // step, least)
    for t in range(count):
        b8(out + t * batch + b, 1)[0] = t >= real
"""

DROPOUT = """
key, first = (i64(seed, 1)[0], site), i64(step, 1)[0]
y = F(out, count)
space = stack_u64()
drawn = u32(space, 8)
for block in range(blocks):
    philox(space, before + block + 1, first, key)
    for j in range(min(8, count - block * 8)):
        uniform = np.float32(drawn[j] >> 8) * np.float32(2.0**-24)
        y[block * 8 + j] = REAL(KEPT) if uniform >= np.float32(DROPPED) else REAL(0)
"""

SCORES = """
for b in range(batch):
    for h in range(heads):
        product(gemm, queries, keys, n, q + (b * queries * heads + h) * n * SIZE, heads * n, 0,
                k + (b * keys * heads + h) * n * SIZE, heads * n, 1,
                out + (b * heads + h) * queries * keys * SIZE, keys)
"""

MIX = """
for b in range(batch):
    for h in range(heads):
        product(gemm, queries, n, keys, w + (b * heads + h) * queries * keys * SIZE, keys, 0,
                x + (b * keys * heads + h) * n * SIZE, heads * n, 0,
                out + (b * queries * heads + h) * n * SIZE, heads * n)
"""

SPREAD = """
for b in range(batch):
    for h in range(heads):
        product(gemm, keys, n, queries, w + (b * heads + h) * queries * keys * SIZE, keys, 1,
                x + (b * queries * heads + h) * n * SIZE, heads * n, 0,
                out + (b * keys * heads + h) * n * SIZE, heads * n)
"""

TILES = """
        for j in range(0, columns, 2 * wide):
            for i in range(0, queries, 8):
                starts = rows_wide_F(a, far, i, queries, 8)
                left, right = zeros_wide_F(8), zeros_wide_F(8)
                at, y = 0, there + j * SIZE
                for d in range(depth):
                    left = add_numbers_wide_F(left, starts, at, load_wide_F(y, columns - j))
                    right = add_numbers_wide_F(right, starts, at, load_wide_F(y + wide * SIZE, columns - j - wide))
                    at += SIZE
                    y += next_y
                to = c + i * next_c + j * SIZE
                write_sums_wide_F(left, to, next_c, queries - i, columns - j)
                write_sums_wide_F(right, to + wide * SIZE, next_c, queries - i, columns - j - wide)
"""
"""Eight queries and two vectors of columns at a time: what is summed stays in registers. With small matrices BLAS takes
longer to begin and to lay them out than to multiply."""

SMALL_SCORES = (
    """
wide, turned = lanes_wide_F(), room_F()
columns, depth, far, next_y, next_c = keys, n, heads * n * SIZE, keys * SIZE, keys * SIZE
for b in range(batch):
    for h in range(heads):
        a, c = q + (b * queries * heads + h) * n * SIZE, out + (b * heads + h) * queries * keys * SIZE
        for s in range(keys):
            row = F(k + ((b * keys + s) * heads + h) * n * SIZE, n)
            column = F(turned + s * SIZE, (n - 1) * keys + 1)
            for d in range(n):
                column[d * keys] = row[d]
        there = turned
"""
    + TILES
)

SMALL_MIX = (
    """
wide = lanes_wide_F()
columns, depth, far, next_y, next_c = n, keys, keys * SIZE, heads * n * SIZE, heads * n * SIZE
for b in range(batch):
    for h in range(heads):
        a, c = w + (b * heads + h) * queries * keys * SIZE, out + (b * queries * heads + h) * n * SIZE
        there = x + (b * keys * heads + h) * n * SIZE
"""
    + TILES
)

SMALL, ROOM = 2**17, 8192
"""Products of numbers of a head, up to which they are small; numbers that a kernel has room for."""


def mask_kernels(call: Call, moving: Mapping[str, Moving]) -> list[Kernel] | None:
    """What has gaps is copied before."""
    kernel = _mask_kernel(call)
    if kernel is not None:
        return [kernel]
    x, out = call.inputs[0], call.out
    if not isinstance(out, Place) or not isinstance(x, Place) or x.region == out.region:
        return None
    copy = elementwise_kernel([Call(Broadcast(out.shape), out, (x,))], moving=moving)
    kernel = _mask_kernel(replace(call, inputs=(out, *call.inputs[1:])))
    return None if copy is None or kernel is None else [copy, kernel]


def _mask_kernel(call: Call) -> Kernel | None:
    x, tokens, out = call.inputs[0], call.inputs[1], call.out
    if not isinstance(x, Place) or not isinstance(out, Place) or x.dtype not in ("f32", "f64"):
        return None
    if not lies_whole(x, tokens, out):
        return None
    assert isinstance(tokens, Place)
    given = dict(call.attributes)
    numbers = whole_numbers(call)
    real = {name: numbers[name] for name in ("factor", "shift", "step", "least")}
    width = prod(out.shape[2:])
    first = bool(given.get("time_first", False))
    batch, count = out.shape[1 if first else 0], out.shape[0 if first else 1]
    far, near = (width, batch * width) if first else (count * width, width)
    fill = "REAL(-np.inf)" if given["fill"] == -inf else "REAL(0)"
    text = far * DTYPES[x.dtype]
    # What is copied first is one piece, of which a thread's texts are a part only where they lie one after the other.
    ways = () if first and x != out else (Way("batch", {"x": text, "out": text, "tokens": 8}),)
    return kernel_of(MASK.replace("FILL", fill), x.dtype, *ways, x=x, out=out, tokens=tokens, batch=batch, count=count,
                     width=width, far=far, near=near, **real)  # fmt: skip


def lengths_kernel(call: Call) -> Kernel | None:
    """Of how long rows are, as numbers, or of which have ended at each position."""
    tokens, out = call.inputs[0], call.out
    if not isinstance(tokens, Place) or not isinstance(out, Place) or not lies_whole(tokens, out):
        return None
    real = whole_numbers(call)
    if out.dtype == "bool":
        return kernel_of(ENDED, "f32", tokens=tokens, out=out, batch=tokens.shape[0], count=out.shape[0], **real)
    if out.dtype not in ("f32", "f64"):
        return None
    return kernel_of(LENGTHS, out.dtype, tokens=tokens, out=out, batch=tokens.shape[0], **real)


def dropout_kernel(call: Call) -> Kernel | None:
    op, out = call.op, call.out
    assert isinstance(op, DropoutMask)
    if not isinstance(out, Place) or not lies_whole(out):
        return None
    seed, step = call.inputs
    assert isinstance(seed, Place)
    assert isinstance(step, Place)
    text = DROPOUT.replace("DROPPED", repr(op.p)).replace("KEPT", repr(1.0 / (1.0 - op.p)))
    count = prod(out.shape)
    by_blocks = Way("blocks", {"before": 1, "out": 8 * DTYPES[out.dtype], "count": -8})
    return kernel_of(text, out.dtype, by_blocks, seed=seed, step=step, site=op.site, out=out, count=count, before=0,
                     blocks=-(-count // 8))  # fmt: skip


def heads_kernel(call: Call) -> Kernel | None:
    """The products of attention: a matrix for each text and head, in the places where they lie."""
    out = call.out
    if not isinstance(out, Place) or not lies_whole(out, *call.inputs) or out.dtype not in ("f32", "f64"):
        return None
    x, y = call.inputs
    assert isinstance(x, Place)
    assert isinstance(y, Place)
    match call.op:
        case HeadScores(heads=heads):
            batch, queries, width = x.shape
            texts = {"q": _text(x), "k": _text(y), "out": _text(out)}
            keys, n = y.shape[1], width // heads
            small = queries * keys * n <= SMALL and keys * n <= ROOM
            return kernel_of(SMALL_SCORES if small else SCORES, out.dtype, Way("batch", texts), gemm=out.dtype, q=x,
                             k=y, out=out, batch=batch, heads=heads, queries=queries, keys=keys, n=n)  # fmt: skip
        case HeadMix(heads=heads) | HeadSpread(heads=heads):
            batch, _, queries, keys = x.shape
            n = y.shape[2] // heads
            small = queries * keys * n <= SMALL
            text = (SMALL_MIX if small else MIX) if isinstance(call.op, HeadMix) else SPREAD
            texts = {"w": _text(x), "x": _text(y), "out": _text(out)}
            return kernel_of(text, out.dtype, Way("batch", texts), gemm=out.dtype, w=x, x=y, out=out, batch=batch,
                             heads=heads, queries=queries, keys=keys, n=n)  # fmt: skip
        case _:
            return None


def _text(place: Place) -> int:
    """Bytes from one text to the next."""
    return prod(place.shape[1:]) * DTYPES[place.dtype]
