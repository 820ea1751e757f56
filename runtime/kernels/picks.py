"""Products with the picks of a maximum, filter by filter: a yardstick for compiled kernels, which alone are fast."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from runtime.backend import Array, Rows, Xp
from runtime.kernels.lookup import same_rows


def picks_outer(
    xp: Xp, out: Array, rows: Rows, x: Array, picks: Array, places: Array, work: Array, *, size: int, dilation: int,
    before: int,
) -> None:  # fmt: skip
    """work: [size * F, D], a row for each tap of each feature"""
    features, depth = x.shape[1], out.shape[0]
    for f, tap, numbers, place in _taps(xp, x, picks, places, rows.count, size, dilation, before):
        xp.matmul(numbers, xp.take(rows.values, place, axis=0), out=work[f * size + tap])
    out[...] = work.reshape(features, size, depth).transpose(2, 1, 0).reshape(depth, size * features)


def picks_matmul(
    xp: Xp, out: Rows, x: Array, picks: Array, places: Array, rows: Rows, w: Array, *more: Any, size: int,
    dilation: int, before: int,
) -> None:  # fmt: skip
    """more: perhaps rows that it is added to, which may be out; and work: [size * F, D], the weights, a row for each
    tap of each feature"""
    *onto, work = more
    same_rows(xp, out, rows)
    features, depth = x.shape[1], w.shape[0]
    work[...] = w.reshape(depth, size, features).transpose(2, 1, 0).reshape(size * features, depth)
    out.values[...] = onto[0].values if onto else 0
    for f, tap, numbers, place in _taps(xp, x, picks, places, rows.count, size, dilation, before):
        chosen = xp.multiply(xp.equal(place[:, None], xp.arange(len(out.values))), numbers[:, None])
        xp.add(
            out.values, xp.matmul(chosen.T, xp.ones((len(x), 1), dtype=x.dtype)) * work[f * size + tap], out=out.values
        )


def _taps(
    xp: Xp, x: Array, picks: Array, places: Array, count: Array, size: int, dilation: int, before: int
) -> Iterator[tuple[int, int, Array, Array]]:
    """Of each feature and tap the number and the row of each text; where there is none, 0 and the first."""
    length = places.shape[1]
    for f in range(x.shape[1]):
        for tap in range(size):
            at = picks[:, f] + (tap * dilation - before)
            inside = xp.logical_and(xp.greater_equal(at, 0), xp.less(at, length))
            place = xp.take(places.reshape(-1), xp.where(inside, at, 0) + xp.arange(len(x)) * length)
            real = xp.logical_and(inside, xp.less(place, count))
            yield f, tap, xp.where(real, x[:, f], 0), xp.where(real, place, 0)
