"""What a call costs one thread, in nanoseconds: roughly, to share work and to see whether sharing it pays.

Measured on one core with vectors of 16 float32; other machines are faster or slower in all of it alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from compiler.emit.formulas import has_formula, passes
from compiler.ir.types import DTYPES
from compiler.ops.attention import HeadMix, HeadScores, HeadSpread
from compiler.ops.chance import DropoutMask
from compiler.ops.distinct import MatMulRows, OuterRows
from compiler.ops.gathered import AddOuter, GatherDot, GatherSum, ScatterOuter
from compiler.ops.lookup import AddRows, Gather, PickRows, SetRows
from compiler.ops.normal import LogSoftmax, LogSumExp, Softmax
from compiler.ops.parted import OuterParts
from compiler.ops.picks import PicksMatMul, PicksOuter
from compiler.ops.picture import Conv2d, Conv2dToKernel, Conv2dToPicture
from compiler.ops.placed import AtPlaces
from compiler.ops.product import MatMul, Outer
from compiler.plan.plan import Call, Place, RowsPlace, Where

FLOPS, SMALL_FLOPS = 90.0, 25.0
"""A nanosecond: of large products, and of those that kernels do tap by tap."""
BYTES = 10.0
"""A nanosecond, read or written, through the cache."""
PASS = 0.07
"""Of an element in vectors, each op."""
POWER = 0.5
"""Of an element of a softmax."""
DRAWN = 1.0
"""Of a number by chance."""
CALL = 60.0


def cost(calls: Iterable[Call]) -> float:
    return sum(_cost(call) for call in calls)


def _cost(call: Call) -> float:
    out = _array(call.out)
    size = prod(out.shape)
    given = [_array(x) for x in call.inputs if isinstance(x, (Place, RowsPlace))]
    moved = [size * DTYPES[out.dtype], *(prod(x.shape) * DTYPES[x.dtype] for x in given)]
    match call.op:
        case MatMul() | MatMulRows():
            return CALL + 2 * size * given[0].shape[-1] / FLOPS
        case Outer() | OuterRows():
            return CALL + 2 * size * prod(given[0].shape[:-1]) / FLOPS
        case OuterParts():
            return CALL + 2 * prod(out.shape[1:]) * prod(given[0].shape[:-1]) / FLOPS
        case HeadScores() | HeadMix() | HeadSpread():
            whole = next(x for x in (out, *given) if len(x.shape) == 4)
            width = next(x for x in (*given, out) if len(x.shape) == 3).shape[-1]
            return CALL + 2 * prod(whole.shape) * (width / whole.shape[1]) / FLOPS * 2
        case PicksMatMul() | PicksOuter():
            rows = next(x for x in call.inputs if isinstance(x, RowsPlace))
            picked = next(x for x in given if x.dtype == "i64")
            return CALL + 2 * prod(picked.shape) * call.op.size * rows.values.shape[-1] / SMALL_FLOPS
        case Conv2d() | Conv2dToKernel() | Conv2dToPicture():
            kernel = out if isinstance(call.op, Conv2dToKernel) else given[1]
            there = given[0] if isinstance(call.op, Conv2dToPicture) else out
            there = given[1] if isinstance(call.op, Conv2dToKernel) else there
            return CALL + 2 * prod(there.shape[:3]) * prod(kernel.shape) / SMALL_FLOPS
        case Softmax() | LogSoftmax() | LogSumExp():
            return CALL + POWER * prod(given[0].shape)
        case DropoutMask():
            return CALL + DRAWN * size
        case GatherDot() | GatherSum() | ScatterOuter() | AddOuter():
            ids = next(x for x in given if x.dtype == "i64")
            width = out.shape[-1] if isinstance(call.op, (ScatterOuter, AddOuter)) else given[0].shape[-1]
            copied = prod(out.shape) if isinstance(call.op, AddOuter) and call.out != call.inputs[0] else 0
            return CALL + (3 * prod(ids.shape) * width + 2 * copied) * DTYPES[out.dtype] / BYTES
        case Gather() | AtPlaces() | PickRows() | AddRows() | SetRows():
            rows = [x for x in moved if x != max(moved)] or moved
            return CALL + 3 * sum(rows) / BYTES
        case _:
            done = passes(call) if has_formula(call) else 2
            return CALL + max(sum(moved) / BYTES, done * size * PASS)


def _array(where: Where) -> Place:
    if isinstance(where, RowsPlace):
        return where.values
    assert isinstance(where, Place)
    return where
