"""Softmax and its logarithm, over the last axis: out may be x's memory; total is [*S, 1] work space. Its divisor. The
softmax over positions."""

from __future__ import annotations

from runtime.backend import Array, Xp
from runtime.kernels.sequence import past_end, real_positions

LOWEST = float("-inf")


def softmax(xp: Xp, out: Array, x: Array, total: Array) -> None:
    xp.max(x, axis=-1, keepdims=True, out=total)
    xp.subtract(x, total, out=out)
    xp.exp(out, out=out)
    xp.sum(out, axis=-1, keepdims=True, out=total)
    xp.divide(out, total, out=out)


def log_softmax(xp: Xp, out: Array, x: Array, total: Array, powers: Array) -> None:
    """powers: work space of x's type"""
    xp.max(x, axis=-1, keepdims=True, out=total)
    xp.subtract(x, total, out=out)
    xp.exp(out, out=powers)
    xp.sum(powers, axis=-1, keepdims=True, out=total)
    xp.log(total, out=total)
    xp.subtract(out, total, out=out)


def log_sum_exp(xp: Xp, out: Array, x: Array, largest: Array, powers: Array, *, axis: int) -> None:
    """largest: work space of x's shape with 1 for the axis; powers: of x's"""
    xp.max(x, axis=axis, keepdims=True, out=largest)
    xp.subtract(x, largest, out=powers)
    xp.exp(powers, out=powers)
    xp.sum(powers, axis=axis, out=out)
    xp.log(out, out=out)
    xp.add(out, largest.reshape(out.shape), out=out)


def position_softmax(
    xp: Xp,
    out: Array,
    x: Array,
    tokens: Array,
    total: Array,
    *,
    factor: int = 1,
    shift: int = 0,
    step: int = 1,
    least: int = 1,
) -> None:
    """x: [B, T, n]; total: [B, 1, n] work space; how many positions of a row are real is as in `lengths`"""
    past = past_end(xp, x.shape[1], real_positions(xp, tokens, factor, shift, step, least))
    xp.copyto(out, x)
    xp.copyto(out, LOWEST, where=past[:, :, None])
    xp.max(out, axis=1, keepdims=True, out=total)
    xp.subtract(out, total, out=out)
    xp.exp(out, out=out)
    xp.sum(out, axis=1, keepdims=True, out=total)
    xp.divide(out, total, out=out)
