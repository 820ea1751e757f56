"""Matrix products of float32 where vectors have 16 of them: the BLAS that NumPy brings leaves a quarter of such a
processor unused.

A tile of the result, 12 rows of two vectors, stays in registers while k goes by: two vectors of b, and each number of a
column of a by itself. For that the columns of b lie in panels of two vectors, and a transposed a in strips of 12
columns: they are laid so on the stack, a block at a time. A number of the result is summed in the order of k, in blocks
of it, wherever its tile begins: how threads share a product does not change it, as long as no share goes to BLAS.

After Goto and van de Geijn, Anatomy of high-performance matrix multiplication (2008), and the shapes that BLIS has for
these processors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numba

from runtime.native.rows import stack_of
from runtime.native.tiles import COLUMNS, LANES, SIZE, TILES, VECTOR_BYTES, tile_function, turn_function
from runtime.native.vectors import Vector

Number: TypeAlias = Any
Function: TypeAlias = Callable[..., Any]

LEAST_ROWS, LEAST_COLUMNS = TILES[-1], COLUMNS
"""Smaller products are for BLAS."""
LARGE, MIDDLE, SMALL = TILES
PANEL = 2 * VECTOR_BYTES
"""Bytes of a row of a panel."""
STRIPS = 4
"""That are laid at once: three lines of the cache of every row of a."""
BLOCK_K, BLOCK_COLUMNS = 256, 256
"""What is laid of b at once: it stays in the second cache."""
STRIP = BLOCK_K * LARGE * SIZE + VECTOR_BYTES
"""Bytes from one strip to the next: the last store of a strip ends behind it."""
ROOM = BLOCK_K * BLOCK_COLUMNS + STRIPS * STRIP // SIZE + LARGE * COLUMNS
"""Numbers on the stack: 306 KiB. Python's threads have megabytes where nobody asked for less."""
FEW_ROWS = 16
"""With so many or fewer the panels are read where b has them: to lay them takes as long as it saves."""
SHALLOW = 96
"""With so many rows or fewer one panel after the other is laid, and read from the first cache."""


def tiled_product(known: Mapping[str, Function]) -> Function:
    """product(m, n, k, a, lda, a_turned, b, ldb, b_turned, c, ldc): of 4 rows or more, 32 columns or more, k not 0.

    known: `f32`, and wide `load` and `store`, as kernels have them
    """
    of = Vector(numba.types.float32, LANES)
    tile, room, f32 = _tiles(of), stack_of(numba.types.float32, ROOM), known["f32"]
    lay_panels, lay_strips = _panels(of, known), _strips(known)

    @numba.njit(nogil=True, error_model="numpy")
    def rows_of(left: Number, m: Number, a_turned: Number) -> Number:
        """Of the next tile, where so many rows are left of m. No tile reads behind an a that is not laid."""
        if left > MIDDLE and (a_turned or m >= LARGE):
            return LARGE
        return MIDDLE if left > SMALL and (a_turned or m >= MIDDLE) else SMALL

    @numba.njit(nogil=True, error_model="numpy")
    def give(tile: Number, c: Number, ldc: Number, begin: Number, end: Number, n: Number, more: Number) -> None:
        """Of a tile that reaches further than c: these rows, n numbers of each."""
        for r in range(begin, end):
            x, y = f32(tile + r * PANEL, n), f32(c + r * ldc * SIZE, n)
            for j in range(n):
                y[j] = y[j] + x[j] if more else x[j]

    @numba.njit(nogil=True, error_model="numpy")
    def product(
        m: Number, n: Number, k: Number, a: Number, lda: Number, a_turned: Number, b: Number, ldb: Number,
        b_turned: Number, c: Number, ldc: Number,
    ) -> None:  # fmt: skip
        panels = room()
        strips = panels + BLOCK_K * BLOCK_COLUMNS * SIZE
        aside = strips + STRIPS * STRIP
        lays_all = b_turned or m > FEW_ROWS
        block = COLUMNS if m <= SHALLOW and not a_turned else BLOCK_COLUMNS
        for deep in range(0, k, BLOCK_K):
            depth = min(BLOCK_K, k - deep)
            for left in range(0, n, block):
                width = min(block, n - left)
                begin = 0 if lays_all else width // COLUMNS * COLUMNS
                if begin < width:
                    row, column = (left, deep) if b_turned else (deep, left + begin)
                    part = b + (row * ldb + column) * SIZE
                    lay_panels(part, ldb, b_turned, depth, width - begin, panels + begin * BLOCK_K * SIZE)
                done = 0
                while done < m:
                    rows = rows_of(m - done, m, a_turned)
                    if a_turned:
                        top, inside = done, done % (STRIPS * LARGE)
                        if inside == 0:
                            lay_strips(a + (deep * lda + done) * SIZE, lda, depth, m - done, strips)
                        x, x_step = strips + inside // LARGE * STRIP, LARGE * SIZE
                    else:
                        # The last tile begins in what is done already, which is not given again.
                        top = min(done, m - rows)
                        x, x_step = a + (top * lda + deep) * SIZE, lda * SIZE
                    for j in range(0, width, COLUMNS):
                        to, columns = c + (top * ldc + left + j) * SIZE, min(width - j, COLUMNS)
                        y, y_step = panels + j * BLOCK_K * SIZE, PANEL
                        if not lays_all and columns == COLUMNS:
                            y, y_step = b + (deep * ldb + left + j) * SIZE, ldb * SIZE
                        whole = top == done and m - done >= rows and columns == COLUMNS
                        z, z_step = (to, ldc * SIZE) if whole else (aside, PANEL)
                        tile(rows, a_turned, x, x_step, y, y_step, depth, z, z_step, int(whole and deep > 0))
                        if not whole:
                            give(aside, to, ldc, done - top, min(rows, m - top), columns, deep > 0)
                    done = top + rows

    return product


def _tiles(of: Vector) -> Function:
    plain, laid = _tiles_of_rows(of, turned=False), _tiles_of_rows(of, turned=True)

    @numba.njit(nogil=True, error_model="numpy")
    def tile(
        rows: Number, turned: Number, a: Number, a_step: Number, b: Number, b_step: Number, k: Number, c: Number,
        c_step: Number, more: Number,
    ) -> None:  # fmt: skip
        if turned:
            laid(rows, a, a_step, b, b_step, k, c, c_step, more)
        else:
            plain(rows, a, a_step, b, b_step, k, c, c_step, more)

    return tile


def _tiles_of_rows(of: Vector, turned: bool) -> Function:
    large, middle, small = (tile_function(of, rows, turned) for rows in TILES)

    @numba.njit(nogil=True, error_model="numpy")
    def tile(
        rows: Number, a: Number, a_step: Number, b: Number, b_step: Number, k: Number, c: Number, c_step: Number,
        more: Number,
    ) -> None:  # fmt: skip
        if rows == LARGE:
            large(a, a_step, b, b_step, k, c, c_step, more)
        elif rows == MIDDLE:
            middle(a, a_step, b, b_step, k, c, c_step, more)
        else:
            small(a, a_step, b, b_step, k, c, c_step, more)

    return tile


def _panels(of: Vector, known: Mapping[str, Function]) -> Function:
    """b[k, n], or b[n, k] turned -> for each 32 columns [k, 32]; behind the n stands any of its numbers, or 0."""
    turn, f32, load, store = turn_function(of), known["f32"], known["load_wide_f32"], known["store_wide_f32"]

    @numba.njit(nogil=True, error_model="numpy")
    def turned_panels(b: Number, ldb: Number, k: Number, n: Number, to: Number) -> None:
        whole = k // LANES * LANES
        for j in range(0, n, LANES):
            rows, count = b + j * ldb * SIZE, min(n - j, LANES)
            panel = to + j // COLUMNS * COLUMNS * BLOCK_K * SIZE + j % COLUMNS * SIZE
            for i in range(0, whole, LANES):
                turn(rows + i * SIZE, ldb * SIZE, count, panel + i * PANEL, PANEL)
            for i in range(whole, k):
                out = f32(panel + i * PANEL, LANES)
                for c in range(LANES):
                    out[c] = f32(rows + (min(c, count - 1) * ldb + i) * SIZE, 1)[0]
            if n - j <= LANES and j % COLUMNS == 0:
                for i in range(k):
                    store(panel + i * PANEL + VECTOR_BYTES, load(panel, 0), LANES)

    @numba.njit(nogil=True, error_model="numpy")
    def lay_panels(b: Number, ldb: Number, turned: Number, k: Number, n: Number, to: Number) -> None:
        if turned:
            turned_panels(b, ldb, k, n, to)
            return
        full = n // COLUMNS * COLUMNS
        for i in range(k):  # Row by row: the rows of a wide matrix lie in other pages each.
            row, line = b + i * ldb * SIZE, to + i * PANEL
            for j in range(0, full, COLUMNS):
                store(line + j * BLOCK_K * SIZE, load(row + j * SIZE, LANES), LANES)
                store(line + j * BLOCK_K * SIZE + VECTOR_BYTES, load(row + j * SIZE + VECTOR_BYTES, LANES), LANES)
            if full < n:
                row, line = row + full * SIZE, line + full * BLOCK_K * SIZE
                store(line, load(row, min(n - full, LANES)), LANES)
                store(line + VECTOR_BYTES, load(row + VECTOR_BYTES, max(n - full - LANES, 0)), LANES)

    return lay_panels


def _strips(known: Mapping[str, Function]) -> Function:
    """a[k, rows] -> for each 12 of the first 48 columns [k, 12], zeros behind the rows."""
    load, store = known["load_wide_f32"], known["store_wide_f32"]

    @numba.njit(nogil=True, error_model="numpy")
    def lay_strips(a: Number, lda: Number, k: Number, rows: Number, to: Number) -> None:
        strips = min((rows + LARGE - 1) // LARGE, STRIPS)
        for i in range(k):
            for s in range(strips):
                row, line = a + (i * lda + s * LARGE) * SIZE, to + s * STRIP + i * LARGE * SIZE
                if rows - s * LARGE >= LANES:
                    store(line, load(row, LANES), LANES)
                else:
                    store(line, load(row, rows - s * LARGE), LANES)

    return lay_strips
