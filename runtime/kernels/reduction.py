"""One number of many, and the places of the largest."""

from __future__ import annotations

from runtime.backend import Array, Xp


def sum_(xp: Xp, out: Array, x: Array, *, axes: tuple[int, ...], keep: bool = False) -> None:
    xp.sum(x, axis=axes, keepdims=keep, out=out)


def max_(xp: Xp, out: Array, x: Array, *, axis: int) -> None:
    xp.max(x, axis=axis, out=out)


def argmax(xp: Xp, out: Array, x: Array, best: Array, same: Array, rank: Array, *, axis: int) -> None:
    """best: x's type with 1 for the axis; same: bool of x's shape; rank: work space of x's shape, 4 bytes an element.

    NumPy's own copies x so that the axis comes last, and takes longer.
    """
    length = x.shape[axis]
    # Weights fall along the axis, so that the first of equal ones has the largest. Short ones are faster.
    short = length < 2**15
    rank = rank.reshape(-1).view(xp.int16 if short else xp.int32)[: x.size].reshape(x.shape)
    falling = xp.arange(length, 0, -1, dtype=rank.dtype).reshape((length,) + (1,) * (x.ndim - axis - 1))
    xp.max(x, axis=axis, keepdims=True, out=best)
    xp.equal(x, best, out=same)
    xp.multiply(same, falling, out=rank)
    # The largest weights need less room than the largest values, and those are not needed any more.
    weight = best.reshape(-1).view(rank.dtype)[: out.size].reshape(out.shape)
    xp.max(rank, axis=axis, out=weight)
    xp.subtract(length, weight, out=out)
    # Beside NaN nothing is equal to the largest; a place there must be all the same.
    xp.minimum(out, length - 1, out=out)


def top_positions(
    xp: Xp, out: Array, x: Array, left: Array, best: Array, same: Array, rank: Array, first: Array, *, k: int
) -> None:
    """left: x's type; first: i64[B, D]; best, same, rank as argmax has them."""
    length = x.shape[1]
    starts = column_starts(xp, x.shape, 1)[:, 0]
    flat = left.reshape(-1)
    xp.copyto(left, x)
    for j in range(k):
        argmax(xp, first, left, best, same, rank, axis=1)
        xp.add(starts, first * x.shape[2], out=out[:, j])
        real = flat[out[:, j]] > -xp.inf
        flat[out[:, j]] = -xp.inf
        # What is not there sorts behind all positions.
        xp.copyto(out[:, j], length)
        xp.copyto(out[:, j], first, where=real)
    out.sort(axis=1)
    xp.copyto(out, -1, where=out == length)


def column_starts(xp: Xp, shape: tuple[int, ...], axis: int) -> Array:
    """Where in the flat array each column along the axis begins: [*S, 1, *R]"""
    kept = (*shape[:axis], 1, *shape[axis + 1 :])
    rest = 1
    for size in shape[axis + 1 :]:
        rest *= size
    leading = 1
    for size in shape[:axis]:
        leading *= size
    starts = xp.arange(leading)[:, None] * (shape[axis] * rest) + xp.arange(rest)
    return starts.reshape(kept)


def take_along(
    xp: Xp, out: Array, x: Array, positions: Array, index: Array, *, axis: int, starts: Array | None = None
) -> None:
    """index: i64 work space of out's shape; starts: column_starts of x."""
    places(xp, index, x.shape, positions, axis, starts)
    xp.take(x.reshape(-1), index, out=out, mode="clip")
    if positions.size and positions.min() < 0:
        out[positions < 0] = 0


def put_along(
    xp: Xp, out: Array, x: Array, positions: Array, index: Array, *, axis: int, starts: Array | None = None
) -> None:
    """index: i64 work space of x's shape; starts: column_starts of out."""
    places(xp, index, out.shape, positions, axis, starts)
    out.fill(0)
    flat = out.reshape(-1)
    if positions.size and positions.min() >= 0:
        flat[index] = x
        return
    real = positions >= 0
    flat[index[real]] = x[real]


def add_along(xp: Xp, out: Array, x: Array, y: Array, positions: Array, index: Array, *, axis: int) -> None:
    """out may be x's memory. index: i64 work space of y's shape"""
    if out is not x:
        xp.copyto(out, x)
    places(xp, index, out.shape, xp.maximum(positions, 0), axis, None)
    flat = out.reshape(-1)
    flat[index] += xp.where(xp.less(positions, 0), 0, y)


def places(xp: Xp, index: Array, shape: tuple[int, ...], positions: Array, axis: int, starts: Array | None) -> None:
    """Where in the flat array of that shape the positions are."""
    width = 1
    for size in shape[axis + 1 :]:
        width *= size
    xp.multiply(positions, width, out=index)
    xp.add(index, column_starts(xp, shape, axis) if starts is None else starts, out=index)
