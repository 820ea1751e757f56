"""Matrix products. All leading axes are one for BLAS."""

from __future__ import annotations

from runtime.backend import Array, Xp
from runtime.kernels.layout import reshaped


def matmul(xp: Xp, out: Array, x: Array, w: Array, *, transposed: bool = False) -> None:
    n, m = x.shape[-1], out.shape[-1]
    rows = out.size // m if m else 0
    xp.matmul(reshaped(xp, x, (rows, n)), w.T if transposed else w, out=reshaped(xp, out, (rows, m)))


def outer(xp: Xp, out: Array, x: Array, y: Array) -> None:
    n, m = out.shape
    rows = x.size // n if n else 0
    xp.matmul(reshaped(xp, x, (rows, n)).T, reshaped(xp, y, (rows, m)), out=out)
