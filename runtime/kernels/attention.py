"""Attention. [B, T, heads n] is seen as [B, heads, T, n] without a copy: BLAS takes rows that are far apart."""

from __future__ import annotations

from runtime.backend import Array, Xp
from runtime.kernels.sequence import past_end, real_positions

LOWEST = float("-inf")
LEAST = -3e38
"""About the lowest number of single precision."""


def _heads(x: Array, heads: int) -> Array:
    """[B, T, heads n] as [B, heads, T, n], which is x's memory: only the last axis is cut."""
    rows, positions, width = x.shape
    return x.reshape(rows, positions, heads, width // heads).transpose(0, 2, 1, 3)


def head_scores(xp: Xp, out: Array, q: Array, k: Array, *, heads: int) -> None:
    xp.matmul(_heads(q, heads), _heads(k, heads).transpose(0, 1, 3, 2), out=out)


def head_mix(xp: Xp, out: Array, w: Array, v: Array, *, heads: int) -> None:
    xp.matmul(w, _heads(v, heads), out=_heads(out, heads))


def head_spread(xp: Xp, out: Array, w: Array, x: Array, *, heads: int) -> None:
    xp.matmul(w.transpose(0, 1, 3, 2), _heads(x, heads), out=_heads(out, heads))


def to_columns(xp: Xp, out: Array, x: Array) -> None:
    xp.copyto(out, x)


def to_positions(xp: Xp, out: Array, x: Array) -> None:
    xp.copyto(out, x)


def key_softmax(
    xp: Xp,
    out: Array,
    scores: Array,
    tokens: Array,
    total: Array,
    hidden: Array,
    *,
    factor: int = 1,
    shift: int = 0,
    step: int = 1,
    least: int = 1,
) -> None:
    """total: [B, heads, T, 1], hidden: [B, 1, 1, S] work space"""
    past = past_end(xp, scores.shape[3], real_positions(xp, tokens, factor, shift, step, least))
    hidden.fill(0)
    xp.copyto(hidden, LOWEST, where=past[:, None, None, :])
    _softmax(xp, out, scores, total, hidden)


def causal_softmax(xp: Xp, out: Array, scores: Array, total: Array, hidden: Array) -> None:
    """total: [B, heads, T, 1], hidden: [T, S] work space"""
    place = xp.arange(scores.shape[3])
    hidden.fill(0)
    xp.copyto(hidden, LOWEST, where=xp.greater(place, place[:, None]))
    _softmax(xp, out, scores, total, hidden)


def _softmax(xp: Xp, out: Array, scores: Array, total: Array, hidden: Array) -> None:
    xp.add(scores, hidden, out=out)
    xp.max(out, axis=-1, keepdims=True, out=total)
    # Of a row that sees no key the largest is minus infinity; less a number its powers are 0, not NaN.
    xp.maximum(total, LEAST, out=total)
    xp.subtract(out, total, out=out)
    xp.exp(out, out=out)
    xp.sum(out, axis=-1, keepdims=True, out=total)
    # At least 1 wherever a key is seen.
    xp.maximum(total, 1.0, out=total)
    xp.divide(out, total, out=out)
