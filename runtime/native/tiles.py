"""Part of a matrix product that stays in registers, and 16 x 16 numbers turned in them: for vectors of 512 bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numba
from llvmlite import ir
from numba.extending import intrinsic

from runtime.native.vectors import Vector, called

Number: TypeAlias = Any
Function: TypeAlias = Callable[..., Any]

SIZE, LANES = 4, 16
VECTOR_BYTES = SIZE * LANES
COLUMNS = 2 * LANES
"""Of a tile."""
TILES = (12, 8, 4)
"""Rows of a tile; 24 of the 32 registers hold the sums of the largest."""
UNROLLED = 2
"""Steps of k that stand one after the other in a loop."""

LONG = ir.IntType(64)


def tile_function(of: Vector, rows: int, turned: bool) -> Function:
    """c[rows, 32] = a[rows, k] @ b[k, 32], or += where `more`; steps are bytes from one row to the next.

    turned: a is [k, rows]
    """

    def at(builder: Any, base: Any, offset: int) -> Any:
        return builder.add(base, LONG(offset)) if offset else base

    def vector(builder: Any, address: Any) -> Any:
        return builder.inttoptr(address, of.vector.as_pointer())

    def steps(builder: Any, a: Sequence[Any], a_step: Any, b: Any, b_step: Any, sums: list[Any], count: int) -> Any:
        """So many steps of k; where b is then."""
        for step in range(count):
            columns = [builder.load(vector(builder, at(builder, b, w * VECTOR_BYTES)), align=SIZE) for w in range(2)]
            for r in range(rows):
                if turned:
                    place = at(builder, builder.add(a[0], builder.mul(a_step, LONG(step))), r * SIZE)
                else:
                    place = at(builder, a[r], step * SIZE)
                number = builder.load(builder.inttoptr(place, of.number.as_pointer()), align=SIZE)
                each = of.each(builder, number)
                for w in range(2):
                    before = sums[2 * r + w]
                    sums[2 * r + w] = called(builder, f"llvm.fma.{of.named}", of.vector, [each, columns[w], before])
            b = builder.add(b, b_step)
        return b

    def loop(builder: Any, times: Any, a: Sequence[Any], a_step: Any, b: Any, b_step: Any, sums: Sequence[Any],
             count: int) -> tuple[list[Any], Any, list[Any]]:  # fmt: skip
        """So many times so many steps: where a and b are then, and the sums."""
        before = builder.block
        head, body, end = (builder.function.append_basic_block(name) for name in ("head", "body", "end"))
        builder.branch(head)
        builder.position_at_end(head)
        carried = [LONG(0), *a, b, *sums]
        found = [builder.phi(x.type) for x in carried]
        for phi, x in zip(found, carried, strict=True):
            phi.add_incoming(x, before)
        i, a, b, sums = found[0], found[1 : 1 + len(a)], found[1 + len(a)], found[2 + len(a) :]
        builder.cbranch(builder.icmp_signed("<", i, times), body, end)
        builder.position_at_end(body)
        new = list(sums)
        next_b = steps(builder, a, a_step, b, b_step, new, count)
        further = builder.mul(a_step, LONG(count)) if turned else LONG(count * SIZE)
        carried = [builder.add(i, LONG(1)), *(builder.add(x, further) for x in a), next_b, *new]
        for phi, x in zip(found, carried, strict=True):
            phi.add_incoming(x, builder.block)
        builder.branch(head)
        builder.position_at_end(end)
        return list(a), b, list(sums)

    @intrinsic
    def tile(_: Any, a: Any, a_step: Any, b: Any, b_step: Any, k: Any, c: Any, c_step: Any, more: Any) -> Any:
        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            a, a_step, b, b_step, k, c, c_step, more = arguments
            starts = [a] if turned else [builder.add(a, builder.mul(a_step, LONG(r))) for r in range(rows)]
            # Opaque to LLVM, which else computes each row's address from the one before, so that loads wait for it.
            same = ir.FunctionType(LONG, [LONG])
            starts = [builder.asm(same, "", "=r,0", [x], False) for x in starts]
            sums = [of.zeros] * (2 * rows)
            for times, count in ((builder.sdiv(k, LONG(UNROLLED)), UNROLLED), (builder.srem(k, LONG(UNROLLED)), 1)):
                starts, b, sums = loop(builder, times, starts, a_step, b, b_step, sums, count)
            with builder.if_else(builder.icmp_signed("!=", more, LONG(0))) as (adds, sets):
                for block, adding in ((adds, True), (sets, False)):
                    with block:
                        for r in range(rows):
                            row = builder.add(c, builder.mul(c_step, LONG(r)))
                            for w in range(2):
                                place, x = vector(builder, at(builder, row, w * VECTOR_BYTES)), sums[2 * r + w]
                                x = builder.fadd(builder.load(place, align=SIZE), x) if adding else x
                                builder.store(x, place, align=SIZE)
            return context.get_dummy_value()

        return numba.types.none(*[numba.types.int64] * 8), generated

    @numba.njit(nogil=True, error_model="numpy")
    def function(
        a: Number, a_step: Number, b: Number, b_step: Number, k: Number, c: Number, c_step: Number, more: Number
    ) -> None:
        tile(a, a_step, b, b_step, k, c, c_step, more)

    return function


def turn_function(of: Vector) -> Function:
    """Lays 16 rows of 16 numbers as their columns; steps are bytes from one row to the next.

    count: rows that there are; for the others the last is taken
    """

    @intrinsic
    def turn(_: Any, source: Any, step: Any, count: Any, to: Any, to_step: Any) -> Any:
        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            source, step, count, to, to_step = arguments
            last = builder.sub(count, LONG(1))
            rows: list[Any] = []
            for r in range(LANES):
                row = builder.select(builder.icmp_signed("<", LONG(r), last), LONG(r), last)
                place = builder.add(source, builder.mul(step, row))
                rows.append(builder.load(builder.inttoptr(place, of.vector.as_pointer()), align=SIZE))
            index = ir.VectorType(ir.IntType(32), LANES)
            apart = LANES // 2
            while apart:  # Two rows so far apart exchange the blocks, so wide, that lie across the diagonal.
                upper = [lane if not lane & apart else LANES + lane - apart for lane in range(LANES)]
                lower = [lane + apart if not lane & apart else LANES + lane for lane in range(LANES)]
                for r in range(LANES):
                    if not r & apart:
                        x, y = rows[r], rows[r + apart]
                        rows[r] = builder.shuffle_vector(x, y, ir.Constant(index, upper))
                        rows[r + apart] = builder.shuffle_vector(x, y, ir.Constant(index, lower))
                apart //= 2
            for r, row in enumerate(rows):
                place = builder.add(to, builder.mul(to_step, LONG(r)))
                builder.store(row, builder.inttoptr(place, of.vector.as_pointer()), align=SIZE)
            return context.get_dummy_value()

        return numba.types.none(*[numba.types.int64] * 5), generated

    return turn
