"""Convolutions and the maximum of windows of pictures as kernels.

A picture is laid out channel by channel, with the zeros around it. Then a tap of all windows is the channel, shifted:
one multiplication of long rows, in which what would lie between two rows of windows is computed too and not looked at.
"""

from __future__ import annotations

from math import prod

from compiler.emit.kernel import Argument, Kernel
from compiler.emit.whole import kernel_of, lies_whole
from compiler.ops.picture import Conv2d, Conv2dToKernel, Conv2dToPicture, MaxPool2d, PutMax2d, TakeMax2d
from compiler.plan.plan import Call, Place

VECTOR = 16
"""Numbers of a vector register."""

LAY_OUT = """
    for c in range(channels):
        for i in range(height):
            row = F(planes + (c * plane + (i + top) * wide + left) * SIZE, width)
            given = F(x + ((b * height + i) * width * channels + c) * SIZE, (width - 1) * channels + 1)
            for j in range(width):
                row[j] = given[j * channels]
"""

CLEAR_PLANES = """
zeros = F(planes, channels * plane + spare)
for j in range(channels * plane + spare):
    zeros[j] = REAL(0)
"""

CONV = (
    CLEAR_PLANES
    + "for b in range(batch):"
    + LAY_OUT
    + """
    for f in range(filters):
        row = F(sums, many)
        for j in range(many):
            row[j] = REAL(0)
        for c in range(channels):
            for i in range(taps_down):
                add_taps_F(sums, planes + (c * plane + i * apart_down * wide) * SIZE, many,
                           kernel + ((i * taps * channels + c) * next_row + f * next_filter) * SIZE,
                           channels * next_row, taps, apart * SIZE)
        for i in range(down):
            row = F(sums + i * wide * SIZE, across)
            y = F(out + ((b * down + i) * across * filters + f) * SIZE, (across - 1) * filters + 1)
            for j in range(across):
                y[j * filters] = row[j]
"""
)

LAY_OUT_SUMS = """
    for f in range(filters):
        for i in range(down):
            row = F(sums + (f * whole + slack + i * wide) * SIZE, across)
            given = F(y + ((b * down + i) * across * filters + f) * SIZE, (across - 1) * filters + 1)
            for j in range(across):
                row[j] = given[j * filters]
"""

CLEAR_SUMS = """
zeros = F(sums, filters * whole)
for j in range(filters * whole):
    zeros[j] = REAL(0)
"""

TO_KERNEL = (
    """
slack = 0
whole = many
found = F(out, taps_down * taps * channels * filters)
for j in range(taps_down * taps * channels * filters):
    found[j] = REAL(0)
"""
    + CLEAR_PLANES
    + CLEAR_SUMS
    + "for b in range(batch):"
    + LAY_OUT
    + LAY_OUT_SUMS
    + """
    for f in range(filters):
        for c in range(channels):
            for i in range(taps_down):
                tap_products_F(sums + f * many * SIZE, planes + (c * plane + i * apart_down * wide) * SIZE, many,
                               out + ((i * taps * channels + c) * filters + f) * SIZE,
                               channels * filters, taps, apart * SIZE)
"""
)

TO_PICTURE = (
    """
slack = (taps - 1) * apart
whole = many + 2 * slack
"""
    + CLEAR_SUMS
    + "for b in range(batch):"
    + LAY_OUT_SUMS
    + """
    zeros = F(planes, channels * plane + spare)
    for j in range(channels * plane + spare):
        zeros[j] = REAL(0)
    for c in range(channels):
        for f in range(filters):
            for i in range(taps_down):
                add_taps_F(planes + (c * plane + i * apart_down * wide) * SIZE, sums + (f * whole + slack) * SIZE,
                           many, kernel + ((i * taps * channels + c) * next_row + f * next_filter) * SIZE,
                           channels * next_row, taps, -apart * SIZE)
        for i in range(height):
            row = F(planes + (c * plane + (i + top) * wide + left) * SIZE, width)
            given = F(out + ((b * height + i) * width * channels + c) * SIZE, (width - 1) * channels + 1)
            for j in range(width):
                given[j * channels] = row[j]
"""
)

WINDOWS = """
for b in range(batch):
    for i in range(down):
        for j in range(across):
            corner = ((b * height + i * step_down) * width + j * step) * channels * SIZE
            at = ((b * down + i) * across + j) * channels * SIZE
            {each}
"""

POOL = WINDOWS.format(
    each="""
            y = F(out + at, channels)
            first = F(x + corner, channels)
            for c in range(channels):
                y[c] = first[c]
            for k in range(size_down):
                for l in range(size):
                    row = F(x + corner + (k * width + l) * channels * SIZE, channels)
                    for c in range(channels):
                        y[c] = maximum_F(y[c], row[c])
"""
)

PUT = """
zeros = F(out, batch * height * width * channels)
for j in range(batch * height * width * channels):
    zeros[j] = REAL(0)
""" + WINDOWS.format(
    each="""
            top, row = F(largest + at, channels), F(y + at, channels)
            for c in range(channels):
                left = row[c]
                for k in range(size_down):
                    for l in range(size):
                        at = corner + ((k * width + l) * channels + c) * SIZE
                        met = F(x + at, 1)[0] == top[c]
                        F(out + at, 1)[0] += left if met else REAL(0)
                        left = REAL(0) if met else left
"""
)


def convolution_kernel(call: Call) -> Kernel | None:
    """None for windows that move by more than one pixel, and where there is not the work space."""
    op, out = call.op, call.out
    assert isinstance(op, (Conv2d, Conv2dToKernel, Conv2dToPicture))
    first, second = call.inputs
    if not isinstance(out, Place) or not isinstance(first, Place) or not isinstance(second, Place):
        return None
    if op.stride != (1, 1) or not lies_whole(first, out) or 0 in second.shape:
        return None
    picture, there = {
        Conv2d: (first, out), Conv2dToKernel: (first, second), Conv2dToPicture: (out, first),
    }[type(op)]  # fmt: skip
    batch, height, width, channels = picture.shape
    _, down, across, filters = there.shape
    wide = width + op.before[1] + op.after[1]
    plane = wide * (height + op.before[0] + op.after[0])
    length, slack = (down - 1) * wide + across, (op.size[1] - 1) * op.dilation[1]
    planes, sums = call.scratch[:2]
    reached = length + slack if isinstance(op, Conv2dToPicture) else length
    for spare in (VECTOR, 0):
        # Rows that are whole vectors, where the work space has room for the last of them.
        many = -(-reached // spare) * spare if spare else reached
        room = many if isinstance(op, Conv2d) else filters * (many + 2 * slack)
        if prod(planes.shape) >= channels * plane + spare and prod(sums.shape) >= room:
            break
    else:
        return None
    given: dict[str, Argument] = {
        "out": out, "planes": planes, "sums": sums, "batch": batch, "height": height, "width": width,
        "channels": channels, "down": down, "across": across, "filters": filters, "wide": wide, "plane": plane,
        "many": many, "spare": spare, "top": op.before[0], "left": op.before[1], "taps_down": op.size[0],
        "taps": op.size[1], "apart_down": op.dilation[0], "apart": op.dilation[1],
    }  # fmt: skip
    if isinstance(op, Conv2dToKernel):
        return kernel_of(TO_KERNEL, out.dtype, x=first, y=second, **given) if lies_whole(second) else None
    given |= {"kernel": second, "next_row": second.strides[0], "next_filter": second.strides[1]}
    if isinstance(op, Conv2d):
        return kernel_of(CONV, out.dtype, x=first, **given)
    return kernel_of(TO_PICTURE, out.dtype, y=first, **given)


def window_kernel(call: Call) -> Kernel | None:
    """Of the maximum of windows, and of its adjoint."""
    op, out = call.op, call.out
    assert isinstance(op, (MaxPool2d, PutMax2d, TakeMax2d))
    if not isinstance(out, Place) or not lies_whole(out, *call.inputs) or isinstance(op, TakeMax2d):
        return None
    x, there = call.inputs[0], out if isinstance(op, MaxPool2d) else call.inputs[1]
    assert isinstance(x, Place)
    assert isinstance(there, Place)
    batch, height, width, channels = x.shape
    given: dict[str, Argument] = {
        "out": out, "x": x, "batch": batch, "height": height, "width": width, "channels": channels,
        "down": there.shape[1], "across": there.shape[2], "size_down": op.size[0], "size": op.size[1],
        "step_down": op.stride[0], "step": op.stride[1],
    }  # fmt: skip
    if isinstance(op, MaxPool2d):
        return kernel_of(POOL, out.dtype, **given)
    y = call.inputs[2]
    assert isinstance(y, Place)
    return kernel_of(PUT, out.dtype, largest=there, y=y, **given)
