"""Matrix products of float32 where vectors have 16 of them: the BLAS that NumPy brings leaves a quarter of such a
processor unused.

A tile of the result, 12 rows of two vectors, stays in registers while k goes by: two vectors of b, and each number of a
column of a by itself. For that the columns of b lie in panels of two vectors, and a transposed a in strips of 12
columns: they are laid so on the stack, a block at a time. A number of the result is summed in the order of k, in blocks
of it, wherever its tile begins: what threads share does not change it.

After Goto and van de Geijn, Anatomy of high-performance matrix multiplication (2008), and the shapes that BLIS has for
these processors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numba
from llvmlite import ir
from numba.extending import intrinsic

from runtime.native.rows import stack_of
from runtime.native.vectors import Vector, called

Number: TypeAlias = Any
Function: TypeAlias = Callable[..., Any]

SIZE, LANES = 4, 16
VECTOR = SIZE * LANES
COLUMNS, PANEL = 2 * LANES, 2 * VECTOR
"""Of a panel, and the bytes of a row of one."""
LEAST_ROWS, LEAST_COLUMNS = 4, COLUMNS
TILE, STRIPS = 12, 4
"""Rows of a tile, and strips that are laid at once: three lines of the cache of every row of a."""
DEEP, WIDE = 256, 256
"""Of k and columns, what is laid: the panels stay in the second cache."""
FEW = 16
"""With so many rows or fewer panels are read where b has them: to lay them takes as long as it saves."""
SHALLOW = 96
"""With so many rows or fewer one panel after the other is laid, and read from the first cache."""
STRIP = DEEP * TILE * SIZE + VECTOR
"""Bytes from one strip to the next: the last store of a strip ends behind it."""
AT_ONCE = 2
"""Steps of k that stand one after the other in a loop."""

LONG = ir.IntType(64)


def _tile(of: Vector, rows: int, turned: bool) -> Function:
    """c[rows, 2 vectors] = a[rows, k] @ b[k, 2 vectors], or += where `more`; steps are bytes from one row to the next.

    turned: a is [k, rows]
    """

    def at(builder: Any, base: Any, bytes: int) -> Any:
        return builder.add(base, LONG(bytes)) if bytes else base

    def vector(builder: Any, address: Any) -> Any:
        return builder.inttoptr(address, of.vector.as_pointer())

    def steps(builder: Any, a: Sequence[Any], a_step: Any, b: Any, b_step: Any, sums: list[Any], count: int) -> Any:
        """So many steps of k; where b is then."""
        for step in range(count):
            columns = [builder.load(vector(builder, at(builder, b, w * VECTOR)), align=SIZE) for w in range(2)]
            for r in range(rows):
                if turned:
                    place = at(builder, builder.add(a[0], builder.mul(a_step, LONG(step))), r * SIZE)
                else:
                    place = at(builder, a[r], step * SIZE)
                number = builder.load(builder.inttoptr(place, of.number.as_pointer()), align=SIZE)
                each = of.each(builder, number)
                for w in range(2):
                    sums[2 * r + w] = called(
                        builder, f"llvm.fma.{of.named}", of.vector, [each, columns[w], sums[2 * r + w]]
                    )
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
            # What LLVM does not see through it keeps in registers: computed one from another the rows would wait.
            same = ir.FunctionType(LONG, [LONG])
            starts = [builder.asm(same, "", "=r,0", [x], False) for x in starts]
            sums = [of.zeros] * (2 * rows)
            for times, count in ((builder.sdiv(k, LONG(AT_ONCE)), AT_ONCE), (builder.srem(k, LONG(AT_ONCE)), 1)):
                starts, b, sums = loop(builder, times, starts, a_step, b, b_step, sums, count)
            with builder.if_else(builder.icmp_signed("!=", more, LONG(0))) as (adds, sets):
                for block, adding in ((adds, True), (sets, False)):
                    with block:
                        for r in range(rows):
                            row = builder.add(c, builder.mul(c_step, LONG(r)))
                            for w in range(2):
                                place, x = vector(builder, at(builder, row, w * VECTOR)), sums[2 * r + w]
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


def _turn(of: Vector) -> Function:
    """Lays 16 rows of 16 numbers as their columns; steps are bytes from one row to the next."""

    @intrinsic
    def turn(_: Any, source: Any, step: Any, to: Any, to_step: Any) -> Any:
        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            source, step, to, to_step = arguments
            places = [builder.add(source, builder.mul(step, LONG(r))) for r in range(LANES)]
            rows = [builder.load(builder.inttoptr(x, of.vector.as_pointer()), align=SIZE) for x in places]
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

        return numba.types.none(*[numba.types.int64] * 4), generated

    return turn


def tiled_product(known: Mapping[str, Function]) -> Function:
    """product(m, n, k, a, lda, a_turned, b, ldb, b_turned, c, ldc): of 4 rows or more, and 32 columns, k not 0.

    known: `f32`, and wide `load` and `store`, as kernels have them
    """
    of = Vector(numba.types.float32, LANES)
    plain_12, plain_8, plain_4 = (_tile(of, rows, turned=False) for rows in (TILE, 8, 4))
    turned_12, turned_8, turned_4 = (_tile(of, rows, turned=True) for rows in (TILE, 8, 4))
    turn, room = _turn(of), stack_of(numba.types.float32, DEEP * WIDE + STRIPS * STRIP // SIZE + TILE * COLUMNS)
    f32, load, store = known["f32"], known["load_wide_f32"], known["store_wide_f32"]

    @numba.njit(nogil=True, error_model="numpy")
    def tile(
        rows: Number, turned: Number, a: Number, a_step: Number, b: Number, b_step: Number, k: Number, c: Number,
        c_step: Number, more: Number,
    ) -> None:  # fmt: skip
        if turned:
            if rows == TILE:
                turned_12(a, a_step, b, b_step, k, c, c_step, more)
            elif rows == 8:
                turned_8(a, a_step, b, b_step, k, c, c_step, more)
            else:
                turned_4(a, a_step, b, b_step, k, c, c_step, more)
        elif rows == TILE:
            plain_12(a, a_step, b, b_step, k, c, c_step, more)
        elif rows == 8:
            plain_8(a, a_step, b, b_step, k, c, c_step, more)
        else:
            plain_4(a, a_step, b, b_step, k, c, c_step, more)

    @numba.njit(nogil=True, error_model="numpy")
    def lay_panels(b: Number, ldb: Number, turned: Number, k: Number, n: Number, to: Number) -> None:
        """b[k, n], or b[n, k] turned -> for each 32 columns [k, 32], zeros behind the n."""
        full, whole = n // COLUMNS * COLUMNS, k // LANES * LANES
        if turned:
            for j in range(0, n, COLUMNS):
                panel, here = to + j * DEEP * SIZE, b + j * ldb * SIZE
                for i in range(0, whole if j < full else 0, LANES):
                    turn(here + i * SIZE, ldb * SIZE, panel + i * PANEL, PANEL)
                    turn(here + (LANES * ldb + i) * SIZE, ldb * SIZE, panel + i * PANEL + VECTOR, PANEL)
                for i in range(whole if j < full else 0, k):
                    out = f32(panel + i * PANEL, COLUMNS)
                    for c in range(COLUMNS):
                        out[c] = f32(here + (min(c, n - j - 1) * ldb + i) * SIZE, 1)[0] if c < n - j else 0
            return
        for i in range(k):  # Row by row: the rows of a wide matrix lie in other pages each.
            row, there = b + i * ldb * SIZE, to + i * PANEL
            for j in range(0, full, COLUMNS):
                store(there + j * DEEP * SIZE, load(row + j * SIZE, LANES), LANES)
                store(there + j * DEEP * SIZE + VECTOR, load(row + j * SIZE + VECTOR, LANES), LANES)
            if full < n:
                there, row = there + full * DEEP * SIZE, row + full * SIZE
                store(there, load(row, min(n - full, LANES)), LANES)
                store(there + VECTOR, load(row + VECTOR, max(n - full - LANES, 0)), LANES)

    @numba.njit(nogil=True, error_model="numpy")
    def lay_strips(a: Number, lda: Number, k: Number, rows: Number, to: Number) -> None:
        """a[k, rows] -> for each 12 of the first 48 columns [k, 12], zeros behind the rows."""
        for i in range(k):
            for s in range(STRIPS):
                row, there = a + (i * lda + s * TILE) * SIZE, to + s * STRIP + i * TILE * SIZE
                if rows >= STRIPS * TILE + LANES - TILE:
                    store(there, load(row, LANES), LANES)
                else:
                    store(there, load(row, min(max(rows - s * TILE, 0), LANES)), LANES)

    @numba.njit(nogil=True, error_model="numpy")
    def give(part: Number, c: Number, ldc: Number, first: Number, rows: Number, n: Number, more: Number) -> None:
        """Of a tile that reaches further than c: its rows from the first on, of n numbers."""
        for r in range(first, rows):
            x, y = f32(part + r * PANEL, n), f32(c + r * ldc * SIZE, n)
            for j in range(n):
                y[j] = y[j] + x[j] if more else x[j]

    @numba.njit(nogil=True, error_model="numpy")
    def product(
        m: Number, n: Number, k: Number, a: Number, lda: Number, a_turned: Number, b: Number, ldb: Number,
        b_turned: Number, c: Number, ldc: Number,
    ) -> None:  # fmt: skip
        panels = room()
        strips = panels + DEEP * WIDE * SIZE
        part = strips + STRIPS * STRIP
        laid = b_turned or m > FEW
        block = COLUMNS if m <= SHALLOW and not a_turned else WIDE
        for deep in range(0, k, DEEP):
            depth = min(DEEP, k - deep)
            for left in range(0, n, block):
                width = min(block, n - left)
                first = 0 if laid else width // COLUMNS * COLUMNS
                if first < width:
                    row, column = (left, deep) if b_turned else (deep, left + first)
                    there = panels + first * DEEP * SIZE
                    lay_panels(b + (row * ldb + column) * SIZE, ldb, b_turned, depth, width - first, there)
                done = 0
                while done < m:
                    rows = TILE if m - done > 8 else (8 if m - done > 4 else 4)
                    if not a_turned and m < rows:
                        rows = 8 if m >= 8 else 4
                    if a_turned:
                        top, inside = done, done % (STRIPS * TILE)
                        if inside == 0:
                            lay_strips(a + (deep * lda + done) * SIZE, lda, depth, m - done, strips)
                        x, x_step = strips + inside // TILE * STRIP, TILE * SIZE
                    else:
                        # No tile may read behind a: the last begins in what is done, and that is not given again.
                        top = min(done, m - rows)
                        x, x_step = a + (top * lda + deep) * SIZE, lda * SIZE
                    for j in range(0, width, COLUMNS):
                        to, columns = c + (top * ldc + left + j) * SIZE, min(width - j, COLUMNS)
                        y, y_step = panels + j * DEEP * SIZE, PANEL
                        if not laid and columns == COLUMNS:
                            y, y_step = b + (deep * ldb + left + j) * SIZE, ldb * SIZE
                        whole = top == done and m - done >= rows and columns == COLUMNS
                        there, step = (to, ldc * SIZE) if whole else (part, PANEL)
                        tile(rows, a_turned, x, x_step, y, y_step, depth, there, step, whole and deep > 0)
                        if not whole:
                            give(part, to, ldc, done - top, min(rows, m - top), columns, deep > 0)
                    done = top + rows

    return product
