"""What machine code needs of the process that loads it."""

from __future__ import annotations

from tests.runtime.native.kernels import needs_numba

ROWS = """\
def kernel(p):
    table, ids, out, count, rows, width = p[0], p[1], p[2], p[3], p[4], p[5]
    named = i64(ids, count)
    for i in range(count):
        soon = min(max(named[min(i + 8, count - 1)], 0), rows - 1)
        fetch(table + soon * width * 4, width * 4)
        id = min(max(named[i], 0), rows - 1)
        row, y = f32(table + id * width * 4, width), f32(out + i * width * 4, width)
        for j in range(width):
            y[j] = row[j]
"""


@needs_numba
def test_kernel_that_is_no_part_of_its_entry_needs_nothing_of_numba():
    """A process that only loads kernels has not loaded Numba: what needs it would be compiled again in each."""
    from runtime.native.compiling import compiled

    code, needs = compiled(ROWS, "kernel_1")
    assert code
    assert needs == ()
