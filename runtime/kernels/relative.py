"""How far a key stands from a query, in buckets."""

from __future__ import annotations

from math import ceil

from runtime.backend import Array, Xp

FAR = 128
"""The distance from which on all is in the last bucket, as in T5."""


def relative_bias(xp: Xp, out: Array, table: Array, index: Array, *, causal: bool) -> None:
    """index: i64[T, S] work space"""
    _bucket_of_each(xp, index, len(table), causal)
    for head in range(out.shape[1]):
        xp.take(table[:, head], index, out=out[0, head], mode="clip")


def relative_sums(xp: Xp, out: Array, x: Array, index: Array, *, causal: bool) -> None:
    """index: i64[T, S] work space"""
    _bucket_of_each(xp, index, len(out), causal)
    flat = index.reshape(-1)
    for head in range(out.shape[1]):
        out[:, head] = xp.bincount(flat, weights=x[0, head].reshape(-1), minlength=len(out))


def relative_bias_at(xp: Xp, out: Array, table: Array, places: Array, index: Array, *, causal: bool) -> None:
    """index: i64[B, S] work space"""
    _put_buckets(xp, index, xp.arange(out.shape[3]) - places, len(table), causal)
    for head in range(out.shape[1]):
        out[:, head, 0] = xp.take(table[:, head], index)


def _bucket_of_each(xp: Xp, index: Array, count: int, causal: bool) -> None:
    """The bucket of key s for query t, at [t, s]."""
    queries, keys = index.shape
    # There are as many differences as diagonals.
    diagonals = xp.empty(queries + keys - 1, xp.int64)
    _put_buckets(xp, diagonals, xp.arange(1 - queries, keys), count, causal)
    place = xp.arange(keys) - xp.arange(queries)[:, None]
    xp.take(diagonals, place + (queries - 1), out=index, mode="clip")


def _put_buckets(xp: Xp, out: Array, ahead: Array, count: int, causal: bool) -> None:
    """ahead: where the key stands less where the query does; of an out's shape"""
    side = count if causal else count // 2
    behind = xp.maximum(-ahead, 0) if causal else xp.abs(ahead)
    out.fill(0)
    for first in _firsts(side):
        out += behind >= first
    if not causal:
        out += side * (ahead > 0)


def _firsts(side: int) -> list[int]:
    """The distance with which each bucket but the first begins."""
    each = side // 2
    ratio, left = FAR / each, side - each
    # A distance that is the bound itself is in the bucket, whatever its rounding.
    return [*range(1, each + 1), *(ceil(each * ratio ** (k / left) - 1e-9) for k in range(1, left))]
