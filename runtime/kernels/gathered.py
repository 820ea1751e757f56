"""Products with the rows that ids name, by way of a copy of them: a yardstick for compiled kernels, which need none."""

from __future__ import annotations

from collections.abc import Callable

from runtime.backend import Array, Rows, Xp
from runtime.kernels.lookup import add_rows, scatter_rows


def gather_dot(xp: Xp, out: Array, table: Array, ids: Array, x: Array) -> None:
    out[...] = xp.matmul(_rows(xp, table, ids), x[:, :, None])[:, :, 0]


def gather_sum(xp: Xp, out: Array, table: Array, ids: Array, *by: Array) -> None:
    """by: [B, L], or none"""
    rows = _rows(xp, table, ids)
    xp.sum(rows * by[0][:, :, None] if by else rows, axis=1, out=out)


def scatter_outer(
    xp: Xp, out: Rows, ids: Array, x: Array, *more: Array, scatter: Callable[..., None] = scatter_rows
) -> None:
    """more: perhaps by, [B, L]; and three work spaces of compiled kernels"""
    *by, _, _, _ = more
    values = by[0][:, :, None] * x[:, None] if by else xp.broadcast_to(x[:, None], (*ids.shape, x.shape[1]))
    scatter(xp, out, ids, values)


def add_outer(
    xp: Xp,
    out: Array,
    table: Array,
    ids: Array,
    x: Array,
    scale: Array,
    *more: Array,
    scatter: Callable[..., None] = scatter_rows,
    add: Callable[..., None] = add_rows,
) -> None:
    """out may be table's memory. more: perhaps by, [B, L]; and three work spaces of compiled kernels"""
    *by, _, _, _ = more
    count, width = ids.size, x.shape[1]
    values = xp.broadcast_to((by[0][:, :, None] * scale if by else scale) * x[:, None], (*ids.shape, width))
    sums = Rows(xp.zeros(count, xp.int64), xp.zeros((count, width), x.dtype), xp.zeros(1, xp.int64))
    scatter(xp, sums, ids, values)
    add(xp, out, table, sums, xp.zeros((count, width), x.dtype))


def _rows(xp: Xp, table: Array, ids: Array) -> Array:
    return xp.take(table, ids, axis=0, mode="clip")
