"""What ops compute, by formulas of their own: loops and einsum, slow and plain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def windows_of(x: Array, out: int, size: int, stride: int, dilation: int, before: int, fill: float) -> Array:
    result = np.full((x.shape[0], out, size, x.shape[2]), fill)
    for t in range(out):
        for j in range(size):
            at = t * stride + j * dilation - before
            if 0 <= at < x.shape[1]:
                result[:, t, j] = x[:, at]
    return result


def unfolded(x: Array, length: int, stride: int, dilation: int, before: int) -> Array:
    result = np.zeros((x.shape[0], length, x.shape[3]))
    for t in range(x.shape[1]):
        for j in range(x.shape[2]):
            at = t * stride + j * dilation - before
            if 0 <= at < length:
                result[:, at] += x[:, t, j]
    return result


def convolved(
    x: Array,
    kernel: Array,
    size: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    before: tuple[int, int],
    places: tuple[int, int],
) -> Array:
    shown = np.zeros((len(x), *places, *size, x.shape[3]))
    for i, j, u, v in np.ndindex(*places, *size):
        row = i * stride[0] + u * dilation[0] - before[0]
        column = j * stride[1] + v * dilation[1] - before[1]
        if 0 <= row < x.shape[1] and 0 <= column < x.shape[2]:
            shown[:, i, j, u, v] = x[:, row, column]
    return np.einsum("bijuvc,uvcf->bijf", shown, kernel.reshape(*size, x.shape[3], -1))


def transposed(linear: Callable[[Array], Array], shape: tuple[int, ...], y: Array) -> Array:
    """The adjoint of a linear map at y, element by element."""
    result = np.zeros(shape)
    for at in np.ndindex(shape):
        one = np.zeros(shape)
        one[at] = 1
        result[at] = (linear(one) * y).sum()
    return result


def of_windows(x: Array, y: Array, size: tuple[int, int], stride: tuple[int, int], put: bool) -> Array:
    """Of every window of x what y has where its first largest stands; or y put there."""
    places = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:3], size, stride, strict=True)]
    result = np.zeros(x.shape) if put else np.zeros((len(x), *places, x.shape[3]))
    for b, i, j, c in np.ndindex(len(x), *places, x.shape[3]):
        window = x[b, i * stride[0] : i * stride[0] + size[0], j * stride[1] : j * stride[1] + size[1], c]
        u, v = divmod(window.ravel().tolist().index(window.max()), size[1])
        at = b, i * stride[0] + u, j * stride[1] + v, c
        if put:
            result[at] += y[b, i, j, c]
        else:
            result[b, i, j, c] = y[at]
    return result


def first_largest(x: Array, axis: int) -> Array:
    moved_ = np.moveaxis(x, axis, -1)
    result = np.empty(moved_.shape[:-1], np.int64)
    for at in np.ndindex(result.shape):
        row = moved_[at].tolist()
        result[at] = row.index(max(row))
    return result


def top_positions(x: Array, k: int) -> Array:
    result = np.full((x.shape[0], k, x.shape[2]), -1)
    for b in range(x.shape[0]):
        for d in range(x.shape[2]):
            column = x[b, :, d]
            real = [i for i in range(len(column)) if column[i] > -np.inf]
            best = sorted(sorted(real, key=lambda i: (-column[i], i))[:k])
            result[b, : len(best), d] = best
    return result


def taken_along(x: Array, positions: Array, axis: int) -> Array:
    result = np.zeros(positions.shape)
    for at in np.ndindex(positions.shape):
        if positions[at] >= 0:
            result[at] = x[(*at[:axis], positions[at], *at[axis + 1 :])]
    return result


def put_along(x: Array, positions: Array, axis: int, size: int) -> Array:
    result = np.zeros((*x.shape[:axis], size, *x.shape[axis + 1 :]))
    for at in np.ndindex(positions.shape):
        if positions[at] >= 0:
            result[(*at[:axis], positions[at], *at[axis + 1 :])] += x[at]
    return result


def scattered(ids: Array, values: Array, size: int) -> Array:
    result = np.zeros((size, values.shape[-1]))
    for at in np.ndindex(ids.shape):
        if ids[at] != 0:
            result[ids[at]] += values[at]
    return result


def places_of(ids: Array, size: int) -> Array:
    """The rank of each id among those that occur; of 0 how many there are."""
    found = sorted({int(i) for i in ids.flat} - {0})
    return np.array([found.index(i) if i else len(found) for i in ids.flat]).reshape(ids.shape)


def window_sums(rows: Array, size: int, dilation: int, before: int, after: int) -> Array:
    """rows: [B, T, size * F]"""
    batch, length, width = rows.shape
    count = max(length + before + after - dilation * (size - 1), 1)
    result = np.zeros((batch, count, width // size))
    for p in range(count):
        for tap in range(size):
            at = p + tap * dilation - before
            if 0 <= at < length:
                result[:, p] += rows[:, at].reshape(batch, size, -1)[:, tap]
    return result


def put_picks(x: Array, picks: Array, ids: Array, rows: int, size: int, dilation: int, before: int) -> Array:
    result = np.zeros((rows, size, x.shape[1]))
    for b, f in np.ndindex(x.shape):
        for tap in range(size):
            at = picks[b, f] + tap * dilation - before
            if 0 <= at < ids.shape[1] and ids[b, at] != 0:
                result[ids[b, at], tap, f] += x[b, f]
    return result.reshape(rows, -1)


def set_rows(dense: Array, ids: Array, values: Array) -> Array:
    """The sums of values by id in place of the rows that ids name."""
    named = np.isin(np.arange(len(dense)), ids[ids > 0])
    return np.where(named[:, None], scattered(ids, values, len(dense)), dense)


def stamp_rows(stamps: Array, ids: Array, values: Array, number: Array) -> Array:
    return np.where(np.isin(np.arange(len(stamps)), [0, *ids.flat]), number, stamps)


def kept_rows(dense: Array, ids: Array) -> Array:
    keep = np.isin(np.arange(len(dense)), ids) & (np.arange(len(dense)) > 0)
    return dense * keep[:, None]


def one_hot(ids: Array, size: int) -> Array:
    result = np.zeros((*ids.shape, size))
    for at in np.ndindex(ids.shape):
        if ids[at]:
            result[(*at, ids[at])] = 1
    return result


def masked(x: Array, counts: list[int], fill: float) -> Array:
    result = x.copy()
    for row, count in zip(result, counts, strict=True):
        row[count:] = fill
    return result


def softmax_of(x: Array) -> Array:
    powers = np.exp(x)
    return powers / powers.sum(-1, keepdims=True)


def dropout(p: float, site: int, size: tuple[int, ...]) -> Callable[..., Array]:
    def formula(seed: Array, step: Array) -> Array:
        stream = np.random.Generator(np.random.Philox(key=[int(seed), site], counter=[0, 0, 0, int(step)]))
        return (stream.random(size, dtype=np.float32) >= np.float32(p)) / (1 - p)

    return formula
