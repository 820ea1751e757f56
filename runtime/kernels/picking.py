"""Some positions of a batch, taken and put back."""

from __future__ import annotations

from runtime.backend import Array, Xp


def pick_positions(xp: Xp, out: Array, x: Array, places: Array, index: Array) -> None:
    """index: i64[1, M] work space"""
    xp.maximum(places, 0, out=index)
    count = places.shape[1]
    xp.take(x.reshape(x.shape[0] * x.shape[1], -1), index[0], axis=0, out=out.reshape(count, -1), mode="clip")


def put_positions(xp: Xp, out: Array, x: Array, places: Array, values: Array, index: Array) -> None:
    """values: as x, index: i64[1, M], work space. What has no place is what the first one is, once more."""
    none, first = places < 0, places[:, :1]
    xp.copyto(index, places)
    xp.copyto(index, xp.maximum(first, 0), where=none)
    rows = values.reshape(places.shape[1], -1)
    xp.copyto(rows, x.reshape(places.shape[1], -1))
    xp.copyto(rows, rows[:1].copy(), where=none[0][:, None])
    xp.copyto(rows, 0.0, where=first < 0)
    out.fill(0)
    out.reshape(out.shape[0] * out.shape[1], -1)[index[0]] = rows
