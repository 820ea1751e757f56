"""The maximum of windows of pictures, and its adjoint, as kernels: a vector of channels at a time."""

from __future__ import annotations

from compiler.emit.kernel import Argument, Kernel
from compiler.emit.whole import kernel_of, lies_whole
from compiler.ops.picture import MaxPool2d, PutMax2d, TakeMax2d
from compiler.plan.plan import Call, Place

NARROW = 8
"""Numbers of a narrow vector at most."""

WINDOWS = """
for b in range(batch):
    for i in range(down):
        for j in range(across):
            corner = ((b * height + i * step_down) * width + j * step) * channels * SIZE
            at = ((b * down + i) * across + j) * channels * SIZE
            for c in range(0, channels, lanes_W()):
                {each}
                corner += lanes_W() * SIZE
                at += lanes_W() * SIZE
"""

POOL = WINDOWS.format(
    each="""
                most = load_W(x + corner, channels - c)
                for k in range(size_down):
                    for l in range(size):
                        place = corner + (k * width + l) * channels * SIZE
                        most = larger_W(most, load_W(x + place, channels - c))
                store_W(out + at, most, channels - c)
"""
)

PUT = """
if covered == 0:
    zeros = F(out, batch * height * width * channels)
    for j in range(batch * height * width * channels):
        zeros[j] = REAL(0)
""" + WINDOWS.replace(
    "{each}",
    """
                top, left = load_W(largest + at, channels - c), load_W(y + at, channels - c)
                for k in range(size_down):
                    for l in range(size):
                        place = corner + (k * width + l) * channels * SIZE
                        seen = load_W(x + place, channels - c)
                        given = where_same_W(seen, top, left)
                        {add}store_W(out + place, given, channels - c)
                        left = where_other_W(seen, top, left)
""",
)
"""covered: whether the windows show each pixel, and none twice."""

ADDED = "given = plus_W(given, load_W(out + place, channels - c))\n                        "
"""Where windows overlap."""


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
        return kernel_of(_of_vectors(POOL, channels), out.dtype, **given)
    y = call.inputs[2]
    assert isinstance(y, Place)
    apart = op.stride[0] >= op.size[0] and op.stride[1] >= op.size[1]
    seen = there.shape[1] * op.size[0], there.shape[2] * op.size[1]
    covered = int(op.stride == op.size and seen == (height, width))
    text = _of_vectors(PUT.format(add="" if apart else ADDED), channels)
    return kernel_of(text, out.dtype, largest=there, y=y, covered=covered, **given)


def _of_vectors(text: str, channels: int) -> str:
    return text.replace("_W(", "_narrow_F(" if channels <= NARROW else "_wide_F(")
