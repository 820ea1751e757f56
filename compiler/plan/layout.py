"""Views: which ops need no copy, and which kernels can read the strides that come of it. Strides count elements."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from compiler.ir.graph import Node, Op
from compiler.ops.attention import ToColumns, ToPositions
from compiler.ops.distinct import MatMulRows, PutPicks
from compiler.ops.elementwise import Cast, Erf, Keep, Select
from compiler.ops.fused import Fused
from compiler.ops.gathered import AddOuter, GatherDot, GatherSum, ScatterOuter
from compiler.ops.lookup import AddRows, DivShifted, Gather, ScatterRows, SetRows, StampRows
from compiler.ops.normal import LogSoftmax, Softmax
from compiler.ops.parted import OuterParts, SumParts
from compiler.ops.picking import PickPositions
from compiler.ops.picks import PicksMatMul, PicksOuter
from compiler.ops.picture import Conv2d, Conv2dToKernel, Conv2dToPicture
from compiler.ops.placed import AddPlaces, AtPlaces
from compiler.ops.product import MatMul, Outer
from compiler.ops.reduction import AddAlong, TakeAlong
from compiler.ops.scan import Part, Scan
from compiler.ops.sequence import Mask, PutLast, TakePosition
from compiler.ops.shape import Broadcast, Reshape, Slice, Transpose
from compiler.plan.plan import Place

VIEWS = (Reshape, Slice, Transpose, Broadcast, Part, ToColumns, ToPositions)
"""Ops whose result can be their operand's memory."""


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of an array without gaps, the last axis fastest."""
    return tuple(prod(shape[i + 1 :]) for i in range(len(shape)))


def is_contiguous(shape: Sequence[int], strides: Sequence[int]) -> bool:
    return all(size == 1 or a == b for size, a, b in zip(shape, strides, contiguous(shape), strict=True))


def viewed(node: Node, x: Place, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The strides of a view op's result over its operand, None where only a copy will do."""
    match node.op:
        case Reshape():
            return reshaped(x.shape, x.strides, shape)
        case Slice() | ToColumns() | ToPositions():
            return x.strides
        case Transpose(axes=axes):
            return tuple(x.strides[i] for i in axes)
        case Broadcast():
            return broadcast(x.shape, x.strides, shape)
        case _:
            return None


def broadcast(shape: tuple[int, ...], strides: tuple[int, ...], to: tuple[int, ...]) -> tuple[int, ...]:
    lead = len(to) - len(shape)
    return (0,) * lead + tuple(0 if size == 1 and to[lead + i] != 1 else strides[i] for i, size in enumerate(shape))


def reshaped(shape: tuple[int, ...], strides: tuple[int, ...], to: tuple[int, ...]) -> tuple[int, ...] | None:
    """The strides of the same elements in another shape, None where there are none.

    Axes of size 1 count for nothing. The others are matched in groups of equal product, and a group must run through
    memory with one stride.
    """
    if 0 in to:
        return contiguous(to)
    old = [(size, stride) for size, stride in zip(shape, strides, strict=True) if size != 1]
    result: list[int] = []
    at = 0
    i = 0
    while i < len(to):
        if to[i] == 1:
            result.append(1)
            i += 1
            continue
        have, want, first, begin = 1, to[i], at, i
        while have != want:
            if have < want:
                if at == len(old):
                    return None
                have *= old[at][0]
                at += 1
            else:
                i += 1
                want *= to[i]
        for (_, outer), (size, inner) in zip(old[first:at], old[first + 1 : at], strict=False):
            if outer != size * inner:
                return None
        inner = old[at - 1][1]
        group = to[begin : i + 1]
        result += [prod(group[j + 1 :]) * inner for j in range(len(group))]
        i += 1
    return tuple(result)


def takes(op: Op, position: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether the kernel reads an operand with these strides, without a copy of its own."""
    match op:
        case Gather() | TakeAlong() | TakePosition() | PickPositions() if position == 0:
            return is_contiguous(shape, strides)
        case MatMulRows() if position == 1:
            return _for_blas(shape, strides)
        case PutPicks() if position == 2:
            return is_contiguous(shape, strides)
        case PicksOuter() | PicksMatMul() | AtPlaces() | AddPlaces():
            return is_contiguous(shape, strides)
        case ScatterRows() | GatherDot() | GatherSum() | ScatterOuter() | AddOuter():
            return is_contiguous(shape, strides)
        case Scan(states=states, sequences=sequences):
            # First states are copied; a step reads the others, with BLAS as like as not.
            if states <= position < states + sequences and len(shape) == 3:
                return is_contiguous(shape, strides) or _for_blas(shape[1:], strides[1:])
            return position < states or is_contiguous(shape, strides)
        case Conv2dToKernel() if position == 1:
            return is_contiguous(shape, strides)
        case Conv2dToPicture() if position == 0:
            return is_contiguous(shape, strides)
        case MatMul() | Conv2d() | Conv2dToPicture() if position == 1:
            return _for_blas(shape, strides)
        case MatMul() | Outer() | OuterParts() | SumParts():
            rows = (prod(shape[:-1]), shape[-1])
            together = reshaped(shape, strides, rows)
            return together is not None and _for_blas(rows, together)
        case _:
            return True


def _for_blas(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether BLAS takes the matrix, as it is or transposed."""
    (n, m), (a, b) = shape, strides
    return ((b == 1 or m == 1) and (a >= m or n == 1)) or ((a == 1 or n == 1) and (b >= n or m == 1))


def overwritable(op: Op) -> tuple[int, ...]:
    """The operands whose memory the result may take, if it is theirs alone and they are as large."""
    match op:
        case Select():
            return (2,)
        case Keep(negated=negated):
            return () if negated else (1,)
        case Erf() | Cast():
            return ()
        case DivShifted():
            return (1,)
        case PicksMatMul():
            return (5,)
        case (
            Mask()
            | AddAlong()
            | Softmax()
            | LogSoftmax()
            | AddRows()
            | AddOuter()
            | SetRows()
            | StampRows()
            | PutLast()
        ):
            return (0,)
        case Fused(steps=steps):
            # All that a group reads it reads before its last step, or in it.
            last, operands = steps[-1]
            inputs = 1 + max((i for _, used in steps for i in used), default=-1)
            return tuple(
                i for i in range(inputs) if all(j in overwritable(last) for j, k in enumerate(operands) if k == i)
            )
        case _ if op.elementwise:
            return (0, 1)
        case _:
            return ()
