"""Rows of a table at the places of a text, and back: a yardstick for compiled kernels, which alone are fast."""

from __future__ import annotations

from runtime.backend import Array, Rows, Xp
from runtime.kernels.lookup import same_rows


def at_places(xp: Xp, out: Array, rows: Rows, places: Array) -> None:
    xp.take(rows.values, places, axis=0, out=out, mode="clip")


def add_places(xp: Xp, out: Rows, x: Array, places: Array, like: Rows) -> None:
    same_rows(xp, out, like)
    room = xp.arange(len(out.values))
    # What id 0 has is nobody's.
    there = xp.logical_and(xp.equal(places.reshape(-1)[:, None], room), xp.less(room, out.count))
    ones = xp.multiply(there, xp.ones((1, 1), dtype=x.dtype))
    xp.matmul(ones.T, x.reshape(-1, x.shape[-1]), out=out.values)
