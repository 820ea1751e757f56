"""Weights of a text's positions, and the words that stand there."""

from __future__ import annotations

from runtime.backend import Array, Xp


def add_at_ids(xp: Xp, out: Array, weights: Array, ids: Array) -> None:
    """Place by place, so that no word is met twice at a time, and what is added has an order."""
    out.fill(0)
    flat, rows = out.reshape(-1), _rows(xp, out)
    for place in range(ids.shape[1]):
        flat[rows + ids[:, place, None]] += weights[:, :, place]
    out[..., 0] = 0


def take_at_ids(xp: Xp, out: Array, x: Array, ids: Array, index: Array) -> None:
    """index: i64 work space of out's shape"""
    xp.add(_rows(xp, x)[..., None], ids[:, None, :], out=index)
    xp.take(x.reshape(-1), index, out=out, mode="clip")
    xp.copyto(out, 0, where=ids[:, None, :] == 0)


def _rows(xp: Xp, x: Array) -> Array:
    """Where in the flat array the numbers of each position begin: [B, T] of [B, T, V]"""
    count, positions, width = x.shape
    return xp.arange(count * positions).reshape(count, positions) * width
