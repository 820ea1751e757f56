"""Rows with lengths of their own."""

from __future__ import annotations

from runtime.backend import Array, Xp


def lengths(
    xp: Xp, out: Array, tokens: Array, *, factor: int = 1, shift: int = 0, step: int = 1, least: int = 1
) -> None:
    xp.copyto(out, real_positions(xp, tokens, factor, shift, step, least))


def real_positions(xp: Xp, tokens: Array, factor: int, shift: int, step: int, least: int) -> Array:
    """Of each row: max((factor * tokens + shift) // step, least)"""
    return xp.maximum((tokens * factor + shift) // step, least)


def past_end(xp: Xp, positions: int, real: Array) -> Array:
    """bool[B, positions], true from each row's length on"""
    return xp.greater_equal(xp.arange(positions), real[:, None])


def mask(
    xp: Xp,
    out: Array,
    x: Array,
    tokens: Array,
    *,
    fill: float = 0.0,
    factor: int = 1,
    shift: int = 0,
    step: int = 1,
    least: int = 1,
    time_first: bool = False,
) -> None:
    """fill stands past each row's length, which is as in lengths. out may be x's memory. time_first: [T, B, *R]"""
    if out is not x:
        xp.copyto(out, x)
    if time_first:
        out = out.swapaxes(0, 1)
    size = out.shape[1]
    # Row by row: a batch has few rows, and then only the padding is written.
    for row, count in zip(out, tokens.tolist(), strict=True):
        real = max((factor * count + shift) // step, least)
        if real < size:
            row[real:] = fill


def take_position(xp: Xp, out: Array, x: Array, positions: Array, index: Array) -> None:
    """index: i64[B] work space"""
    _rows(xp, index, positions, x.shape[1])
    xp.take(x.reshape(-1, x.shape[2]), index, axis=0, out=out, mode="clip")


def put_position(xp: Xp, out: Array, x: Array, positions: Array, index: Array) -> None:
    """index: i64[B] work space"""
    _rows(xp, index, positions, out.shape[1])
    out.fill(0)
    out.reshape(-1, out.shape[2])[index] = x


def put_last(xp: Xp, out: Array, past: Array, last: Array, lengths: Array, index: Array) -> None:
    """index: i64[B] work space. out may be past's memory."""
    if out is not past:
        xp.copyto(out, past)
    _rows(xp, index, lengths, out.shape[1])
    xp.subtract(index, 1, out=index)
    out.reshape(-1, out.shape[2])[index] = last[:, 0]


def _rows(xp: Xp, index: Array, positions: Array, length: int) -> None:
    index[...] = xp.arange(len(positions))
    xp.multiply(index, length, out=index)
    xp.add(index, positions, out=index)


def ended(xp: Xp, out: Array, tokens: Array, *, factor: int = 1, shift: int = 0, step: int = 1, least: int = 1) -> None:
    """out: bool[T, B, 1], true from each row's length on, which is as in lengths"""
    real = real_positions(xp, tokens, factor, shift, step, least)
    xp.greater_equal(xp.arange(out.shape[0])[:, None, None], real[:, None], out=out)
