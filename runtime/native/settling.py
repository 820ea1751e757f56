"""What rows of a deferred table missed, made up for by one kernel, in place: see `runtime.deferred`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from compiler.experiment import Deferred
from runtime.backend import Array

SETTLE = """\
def kernel_1(p):
    weight, mean, square, moved, rates, left, eps, given, width, window, rows = (
        p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10]
    )
    ids, count, step = i64(given, 3)[0], i64(given, 3)[1], i64(given, 3)[2]
    base = (step - 1) // window * window
    place = i64(moved, rows)
    lacks, first, second = f64(rates, 2 * window), f64(left, window + 1), f64(left + (window + 1) * 8, window + 1)
    for i in range(count):
        id = i
        if ids != 0:
            id = i64(ids + i * 8, 1)[0]
        since = place[id]
        if id > 0 and since > 0 and since < step:
            a, e = lacks[since - base], f64(eps, 1)[0]
            if a > 0:
                e = e * (lacks[window + since - base] / a)
            rate, near = REAL(a), REAL(e)
            b, c = REAL(first[step - since]), REAL(second[step - since])
            w, m = FLOAT(weight + id * width * SIZE, width), FLOAT(mean + id * width * SIZE, width)
            v = FLOAT(square + id * width * SIZE, width)
            for j in range(width):
                w[j] -= m[j] / (sqrt_FLOAT(v[j]) + near) * rate
                m[j] *= b
                v[j] *= c
            place[id] = step


def bind("""
"""given: where ids are, 0 for all rows; how many; the step that they are brought up to date with."""


def settler(
    native: Callable[[str], Any], of: Deferred, store: Mapping[str, Array], left: Array
) -> Callable[[Array | None, int], None]:
    """(ids, step) -> brings these rows up to date, all for None.

    left: f64[2, window + 1], what is left of the means after so many steps
    """
    weight = store[of.weight]
    name = {"float32": "f32", "float64": "f64"}[str(weight.dtype)]
    text = SETTLE.replace("FLOAT", name).replace("REAL", f"np.float{name[1:]}").replace("SIZE", str(weight.itemsize))
    given, eps = np.zeros(3, np.int64), np.array([of.eps])
    tables = (store[name] for name in (of.weight, of.mean, of.square, of.moved, of.rates))
    call = native(text).native("kernel_1", *tables, left, eps, given, weight.shape[1], of.window, len(weight))

    def settle(ids: Array | None, step: int) -> None:
        named = None if ids is None else np.ascontiguousarray(ids, np.int64)
        given[:] = (0, len(weight), step) if named is None else (named.ctypes.data, named.size, step)
        call()

    return settle
