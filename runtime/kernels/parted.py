"""Sums over rows in parts."""

from __future__ import annotations

from runtime.backend import Array, Xp
from runtime.kernels.layout import reshaped


def outer_parts(xp: Xp, out: Array, x: Array, y: Array) -> None:
    parts, n, m = out.shape
    rows = x.size // n if n else 0
    x, y = reshaped(xp, x, (rows, n)), reshaped(xp, y, (rows, m))
    for i, part in enumerate(_parts(rows, parts)):
        xp.matmul(x[part].T, y[part], out=out[i])


def sum_parts(xp: Xp, out: Array, x: Array) -> None:
    parts, n = out.shape
    rows = x.size // n if n else 0
    x = reshaped(xp, x, (rows, n))
    for i, part in enumerate(_parts(rows, parts)):
        xp.sum(x[part], axis=0, out=out[i])


def _parts(rows: int, parts: int) -> list[slice]:
    return [slice(i * rows // parts, (i + 1) * rows // parts) for i in range(parts)]
