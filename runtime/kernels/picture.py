"""Pictures, channels last: convolution and the maximum of windows. All pairs are of (height, width)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from runtime.backend import Array, Xp
from runtime.kernels.layout import reshaped

Pair: TypeAlias = tuple[int, ...]
LayOut: TypeAlias = Callable[[Xp, Array, Array, Pair, Pair], None]
"""(xp, windows [b, h', w', size[0], size[1], c], padded pictures, stride, dilation): fills the windows."""


def overlapping(xp: Xp, windows: Array, padded: Array, stride: Pair, dilation: Pair) -> None:
    """In one copy, of a view in which windows overlap."""
    reach = tuple(d * (k - 1) + 1 for k, d in zip(windows.shape[3:5], dilation, strict=True))
    every = xp.lib.stride_tricks.sliding_window_view(padded, reach, axis=(1, 2))
    shown = every[:, :: stride[0], :: stride[1], :, :: dilation[0], :: dilation[1]]
    xp.copyto(windows, shown.transpose(0, 1, 2, 4, 5, 3))


def pixel_by_pixel(xp: Xp, windows: Array, padded: Array, stride: Pair, dilation: Pair) -> None:
    """A copy for each pixel of the windows: for a device, whose arrays have no such views."""
    for down, across in _pixels(windows.shape[3:5]):
        at = (down * dilation[0], across * dilation[1])
        windows[:, :, :, down, across] = _each(padded, at, stride, windows.shape[1:3])


def conv2d(
    xp: Xp,
    out: Array,
    x: Array,
    kernel: Array,
    padded: Array,
    windows: Array,
    *,
    size: Pair,
    stride: Pair,
    dilation: Pair,
    before: Pair,
    lay_out: LayOut = overlapping,
) -> None:
    """padded, windows: a block of pictures with the zeros around them, and what their windows show."""
    for begin, end, rows in _laid_out(xp, x, padded, windows, size, stride, dilation, before, lay_out):
        xp.matmul(rows, kernel, out=_rows(xp, out[begin:end]))


def conv2d_to_kernel(
    xp: Xp,
    out: Array,
    x: Array,
    y: Array,
    padded: Array,
    windows: Array,
    part: Array,
    *,
    size: Pair,
    stride: Pair,
    dilation: Pair,
    before: Pair,
    lay_out: LayOut = overlapping,
) -> None:
    """part: of out's shape, what a block adds to it"""
    for begin, end, rows in _laid_out(xp, x, padded, windows, size, stride, dilation, before, lay_out):
        xp.matmul(rows.T, _rows(xp, y[begin:end]), out=part if begin else out)
        if begin:
            xp.add(out, part, out=out)


def conv2d_to_picture(
    xp: Xp,
    out: Array,
    x: Array,
    kernel: Array,
    padded: Array,
    windows: Array,
    *,
    size: Pair,
    stride: Pair,
    dilation: Pair,
    before: Pair,
) -> None:
    """What each window gives is laid out, then added pixel by pixel of the windows."""
    for begin, end in _blocks(len(x), len(windows)):
        count = end - begin
        xp.matmul(_rows(xp, x[begin:end]), kernel.T, out=_rows(xp, windows[:count]))
        given, there = _by_pixel(xp, windows[:count], size), padded[:count]
        there.fill(0)
        if stride[1] == dilation[1] == 1:
            _add_rows(xp, there, given, stride[0], dilation[0])
        else:
            for down, across in _pixels(size):
                pixels = _each(there, (down * dilation[0], across * dilation[1]), stride, windows.shape[1:3])
                xp.add(pixels, given[:, :, :, down, across], out=pixels)
        out[begin:end] = _inside(there, out.shape, before)


def _add_rows(xp: Xp, there: Array, given: Array, stride: int, dilation: int) -> None:
    """Rows of windows that lie side by side together, one after the other in memory: longer than a pixel's channels.

    there: [b, h, w, c]; given: [b, h', w', rows, across, c] of windows that move by one pixel
    """
    count, rows, across = given.shape[1:3], given.shape[3], given.shape[4]
    for down in range(rows):
        lines = there[:, down * dilation : down * dilation + (count[0] - 1) * stride + 1 : stride]
        for first in range(min(across, count[1])):
            beside = -(-(count[1] - first) // across)
            part = lines[:, :, first : first + beside * across]
            pixels = reshaped(xp, part, (*part.shape[:2], beside, across, part.shape[3]))
            xp.add(pixels, given[:, :, first::across, down], out=pixels)


def _laid_out(
    xp: Xp,
    x: Array,
    padded: Array,
    windows: Array,
    size: Pair,
    stride: Pair,
    dilation: Pair,
    before: Pair,
    lay_out: LayOut,
) -> Iterator[tuple[int, int, Array]]:
    """From which picture to which a block goes, and its windows, a row each."""
    padded.fill(0)
    for begin, end in _blocks(len(x), len(windows)):
        count = end - begin
        _inside(padded[:count], x.shape, before)[...] = x[begin:end]
        lay_out(xp, _by_pixel(xp, windows[:count], size), padded[:count], stride, dilation)
        yield begin, end, _rows(xp, windows[:count])


def _blocks(count: int, size: int) -> Iterator[tuple[int, int]]:
    for begin in range(0, count, size):
        yield begin, min(begin + size, count)


def _by_pixel(xp: Xp, windows: Array, size: Pair) -> Array:
    """[block, h', w', size[0], size[1], c] over the memory of windows."""
    channels = windows.shape[3] // (size[0] * size[1])
    return reshaped(xp, windows, (*windows.shape[:3], *size, channels))


def _inside(padded: Array, shape: Pair, before: Pair) -> Array:
    """The pictures without the zeros around them."""
    return padded[:, before[0] : before[0] + shape[1], before[1] : before[1] + shape[2]]


def _rows(xp: Xp, x: Array) -> Array:
    return reshaped(xp, x, (x.shape[0] * x.shape[1] * x.shape[2], x.shape[3]))


def _each(x: Array, at: Pair, stride: Pair, count: Pair) -> Array:
    """Every so many pixels from one on: [B, count[0], count[1], c]"""
    down, across = (slice(a, a + (n - 1) * s + 1, s) for a, s, n in zip(at, stride, count, strict=True))
    return x[:, down, across]


def max_pool2d(xp: Xp, out: Array, x: Array, *, size: Pair, stride: Pair) -> None:
    count = out.shape[1:3]
    xp.copyto(out, _each(x, (0, 0), stride, count))
    for at in _pixels(size):
        if at != (0, 0):
            xp.maximum(out, _each(x, at, stride, count), out=out)


def put_max2d(
    xp: Xp,
    out: Array,
    x: Array,
    largest: Array,
    y: Array,
    left: Array,
    met: Array,
    given: Array,
    *,
    size: Pair,
    stride: Pair,
) -> None:
    """left, met: bool of y's shape: windows that have not met their largest yet, and those that meet it now."""
    count = y.shape[1:3]
    out.fill(0)
    for at in _met(xp, x, largest, left, met, size, stride):
        xp.multiply(met, y, out=given)
        pixels = _each(out, at, stride, count)
        xp.add(pixels, given, out=pixels)


def take_max2d(
    xp: Xp,
    out: Array,
    x: Array,
    largest: Array,
    y: Array,
    left: Array,
    met: Array,
    given: Array,
    *,
    size: Pair,
    stride: Pair,
) -> None:
    count = out.shape[1:3]
    out.fill(0)
    for at in _met(xp, x, largest, left, met, size, stride):
        xp.multiply(met, _each(y, at, stride, count), out=given)
        xp.add(out, given, out=out)


def _pixels(size: Pair) -> Iterator[tuple[int, int]]:
    for down in range(size[0]):
        for across in range(size[1]):
            yield down, across


def _met(
    xp: Xp, x: Array, largest: Array, left: Array, met: Array, size: Pair, stride: Pair
) -> Iterator[tuple[int, int]]:
    """Pixel by pixel of the windows; met then says for which of them it is the first that is their largest."""
    left.fill(True)
    for at in _pixels(size):
        xp.equal(_each(x, at, stride, largest.shape[1:3]), largest, out=met)
        xp.logical_and(met, left, out=met)
        # Those that met it are no longer left: met is a part of left.
        xp.logical_xor(left, met, out=left)
        yield at
