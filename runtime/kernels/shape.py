"""Moving data: other shapes, other orders, parts and wholes. out is never the memory of an operand."""

from __future__ import annotations

from runtime.backend import Array, Xp


def reshape(xp: Xp, out: Array, x: Array) -> None:
    out[...] = x.reshape(out.shape)


def transpose(xp: Xp, out: Array, x: Array, *, axes: tuple[int, ...]) -> None:
    out[...] = x.transpose(axes)


def broadcast(xp: Xp, out: Array, x: Array) -> None:
    out[...] = x


def concat(xp: Xp, out: Array, *parts: Array, axis: int) -> None:
    start = 0
    for part in parts:
        _part(out, axis, start, part.shape[axis])[...] = part
        start += part.shape[axis]


def slice_(xp: Xp, out: Array, x: Array, *, axis: int, start: int) -> None:
    out[...] = _part(x, axis, start, out.shape[axis])


def place(xp: Xp, out: Array, x: Array, *, axis: int, start: int) -> None:
    out.fill(0)
    _part(out, axis, start, x.shape[axis])[...] = x


def _part(x: Array, axis: int, start: int, size: int) -> Array:
    return x[(slice(None),) * axis + (slice(start, start + size),)]


def windows(
    xp: Xp, out: Array, x: Array, *, stride: int = 1, dilation: int = 1, before: int = 0, fill: float = 0.0
) -> None:
    """x: [B, T, D], out: [B, T', size, D]; fill stands where a window reaches past an end."""
    for tap in range(out.shape[2]):
        first, end, start = _reach(tap * dilation - before, stride, out.shape[1], x.shape[1])
        if first > 0:
            out[:, :first, tap] = fill
        if end < out.shape[1]:
            out[:, end:, tap] = fill
        if first < end:
            out[:, first:end, tap] = x[:, start : start + (end - first - 1) * stride + 1 : stride]


def fold(xp: Xp, out: Array, x: Array, *, stride: int = 1, dilation: int = 1, before: int = 0) -> None:
    """x: [B, T', size, D], out: [B, T, D]"""
    out.fill(0)
    for tap in range(x.shape[2]):
        first, end, start = _reach(tap * dilation - before, stride, x.shape[1], out.shape[1])
        if first < end:
            shown = out[:, start : start + (end - first - 1) * stride + 1 : stride]
            xp.add(shown, x[:, first:end, tap], out=shown)


def _reach(shift: int, stride: int, windows: int, length: int) -> tuple[int, int, int]:
    """Of the windows w = 0, 1, ... those where w * stride + shift lies in the text, from which to which; and where the
    first of them does."""
    first = min(max(-(shift // stride), 0), windows)
    end = min(max((length - 1 - shift) // stride + 1, first), windows)
    return first, end, first * stride + shift
