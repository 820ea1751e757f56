"""Layers that look at the neighbours of a pixel. Pictures are [h, w, c], channels last."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TypeAlias

from compiler.build import Origin, Use
from compiler.experiment import Init
from compiler.ir.graph import Node
from compiler.layers.activation import FUNCTIONS, activated
from compiler.layers.word import WEIGHTS, LayerWord
from compiler.ops.elementwise import Add, Mul
from compiler.ops.picture import Conv2d, MaxPool2d, seen_at, sides
from compiler.ops.product import MatMul
from compiler.ops.reduction import Sum
from compiler.ops.shape import Broadcast, Reshape, Slice, Transpose, Windows
from compiler.signature import Setting, Signature
from compiler.values import is_picture, shape_of, what

Pair: TypeAlias = tuple[int, int]
PADDING = ("narrow", "wide", "same")


def _picture(use: Use, x: Node) -> tuple[int, int, int]:
    """Height, width and channels; refuses what is no picture."""
    if not is_picture(x):
        help = "a picture comes from an input such as image[28,28]"
        if x in use.build.pooled:
            help = f"put {use.word} before {use.build.pooled[x].word}"
        use.fail("NN581", f"{use.word} needs a picture, but gets {what(x)}", "expects [h, w, c]", help=help, about=x)
    return sides(x.type)


def _pair(use: Use, name: str, otherwise: Pair | None = None) -> Pair:
    """A setting that is one number for both directions, or height and width."""
    value = use.settings[name]
    given = value if isinstance(value, tuple) else (value,)
    if otherwise is not None and value is None:
        return otherwise
    numbers = [n for n in given if isinstance(n, int)]
    if len(numbers) > 2:
        use.fail(
            "NN403",
            f"{use.word} {name} takes one number, or height and width, but gets {len(numbers)}",
            help=f"parallel {{ }} joins the maps of several, each a {use.word} of its own with `same`",
        )
    return numbers[0], numbers[-1]


def _fits(use: Use, x: Node, sizes: Pair, reach: Pair, zeros: Pair = (0, 0)) -> None:
    """Refuses windows that are larger than the picture with the zeros around it."""
    around = (sizes[0] + zeros[0], sizes[1] + zeros[1])
    if reach[0] <= around[0] and reach[1] <= around[1]:
        return
    with_zeros = f", {around[0]} x {around[1]} with the zeros around it" if any(zeros) else ""
    use.fail(
        "NN580",
        f"{use.word}: a window of {reach[0]} x {reach[1]} does not fit in a picture of {sizes[0]} x {sizes[1]}"
        f"{with_zeros}",
        f"{shape_of(x)} -> {_seen(sizes[0], reach[0], zeros[0])} x {_seen(sizes[1], reach[1], zeros[1])}",
        help="`same` keeps the size of a picture; or make it smaller by fewer steps before"
        if use.word == "conv2d"
        else "pool by smaller windows, or leave one of the poolings before it out",
        about=x,
    )


def _seen(length: int, reach: int, zeros: int) -> str:
    """`4 - 5 + 1 = 0`"""
    around = f" + {zeros}" if zeros else ""
    return f"({length}{around} - {reach} + 1 = {length + zeros - reach + 1})"


def _conv2d(use: Use, operands: tuple[Node, ...]) -> Node:
    """[h, w, c] -> [h', w', filters]; narrow: h' = (h - k) // stride + 1, same: the next whole number of h / stride,
    wide: (h + k - 2) // stride + 1. k counts as dilation (k - 1) + 1."""
    (x,) = operands
    height, width, channels = _picture(use, x)
    size, stride, dilation = (_pair(use, name) for name in ("k", "stride", "dilation"))
    reach = (dilation[0] * (size[0] - 1) + 1, dilation[1] * (size[1] - 1) + 1)
    over = (reach[0] - 1, reach[1] - 1)
    match use.word_of("padding"):
        case "wide":
            before = after = over
        case "same":
            before = (over[0] // 2, over[1] // 2)
            after = (over[0] - before[0], over[1] - before[1])
        case _:
            before = after = (0, 0)
    _fits(use, x, (height, width), reach, (before[0] + after[0], before[1] + after[1]))
    filters = use.count("filters")
    shown = prod(size) * channels
    bounds = Init("uniform", None, shown, filters * prod(size))
    w, b = use.weight("weight", (shown, filters), bounds), use.weight("bias", (filters,), bounds)
    if size == stride == (1, 1):
        seen = use.op(MatMul(), x, w)
    else:
        seen = use.op(Conv2d(size, stride, dilation, before, after), x, w)
    return activated(use, use.op(Add(), seen, b))


def _maximum(use: Use, operands: tuple[Node, ...]) -> Node:
    (x,) = operands
    height, width, _ = _picture(use, x)
    window = _pair(use, "window")
    _fits(use, x, (height, width), window)
    return use.op(MaxPool2d(window, _pair(use, "stride", window)), x)


def _average(use: Use, operands: tuple[Node, ...]) -> Node:
    """The mean of each channel: over windows, or over all pixels, which leaves one vector."""
    (x,) = operands
    height, width, _ = _picture(use, x)
    if use.settings["window"] is None:
        if use.settings["stride"] is not None:
            use.fail("NN405", "avgpool2d has a stride but no window", help="write avgpool2d 2 stride=2")
        result = use.op(Mul(), use.op(Sum((1, 2)), x), use.build.number(1 / (height * width)))
        text = f"this takes the mean of the picture {shape_of(x)}, one vector {shape_of(result)}"
        use.build.pooled[result] = use.build.origins[result] = Origin(use.span, text, use.word)
        return result
    window = _pair(use, "window")
    _fits(use, x, (height, width), window)
    stride = _pair(use, "stride", window)
    total = _side_by_side(use, x, window) if stride == window else _overlapping(use, x, window, stride)
    return use.op(Mul(), total, use.build.number(1 / prod(window)))


def _side_by_side(use: Use, x: Node, window: Pair) -> Node:
    """The sum over windows that neither overlap nor leave gaps; what is left over is not looked at."""
    height, width, channels = sides(x.type)
    down, across = height // window[0], width // window[1]
    if height % window[0]:
        x = use.op(Slice(1, 0, down * window[0]), x)
    if width % window[1]:
        x = use.op(Slice(2, 0, across * window[1]), x)
    parts = use.op(Reshape((x.type.shape[0], down, window[0], across, window[1], channels)), x)
    return use.op(Sum((2, 4)), parts)


def _overlapping(use: Use, x: Node, window: Pair, stride: Pair) -> Node:
    """The sum over windows: down the columns, then along the rows."""
    for size, step in zip(window, stride, strict=True):
        rows, length, other, channels = x.type.shape
        assert isinstance(length, int)
        assert isinstance(other, int)
        assert isinstance(channels, int)
        lines = use.op(Reshape((rows, length, other * channels)), x)
        sums = use.op(Sum((2,)), use.op(Windows(size, step), lines))
        x = use.op(Reshape((rows, seen_at(length, size, step), other, channels)), sums)
        # The second turn brings the axes back to their order.
        x = use.op(Transpose((0, 2, 1, 3)), x)
    return x


def _upsample(use: Use, operands: tuple[Node, ...]) -> Node:
    """[h, w, c] -> [h factor, w factor, c]: each pixel stands factor times in each direction."""
    (x,) = operands
    height, width, channels = _picture(use, x)
    factor, rows = use.count("factor"), x.type.shape[0]
    apart = use.op(Reshape((rows, height, 1, width, 1, channels)), x)
    several = use.op(Broadcast((rows, height, factor, width, factor, channels)), apart)
    return use.op(Reshape((rows, height * factor, width * factor, channels)), several)


WINDOW = Setting("window", "count", "how many pixels a window is high and wide; two numbers: high, wide", many=True,
                 low=1, high=10_000)  # fmt: skip
STRIDE = Setting("stride", "count", "every so many pixels; a window's size if left out", many=True, low=1, high=10_000)
CONV2D = LayerWord(
    Signature(
        "conv2d",
        "a convolution over a picture",
        (
            Setting("k", "count", "how high and wide a window is; two numbers: high, wide", required=True, many=True,
                    low=1, high=10_000),
            Setting("filters", "count", "how many filters there are", required=True, low=1),
            Setting("stride", "count", "every so many pixels", 1, many=True, low=1, high=10_000),
            Setting("dilation", "count", "the pixels of a window lie so far apart", 1, many=True, low=1, high=10_000),
            Setting("padding", "choice", "zeros around the picture", "narrow", choices=PADDING),
            Setting("activation", "choice", "what follows", choices=tuple(FUNCTIONS)),
            *WEIGHTS,
        ),
        ("k",),
    ),
    _conv2d,
    weights=True,
)  # fmt: skip
MAXPOOL2D = LayerWord(
    Signature(
        "maxpool2d",
        "the largest of each channel over windows of a picture",
        (replace(WINDOW, required=True), STRIDE),
        ("window",),
    ),
    _maximum,
)
AVGPOOL2D = LayerWord(
    Signature(
        "avgpool2d",
        "the mean of each channel over windows of a picture; without a window over all of it",
        (WINDOW, STRIDE),
        ("window",),
    ),
    _average,
)
UPSAMPLE2D = LayerWord(
    Signature(
        "upsample2d",
        "each pixel several times, in both directions",
        (Setting("factor", "count", "how many times", required=True, low=1, high=1000),),
        ("factor",),
    ),
    _upsample,
)
LAYERS = (CONV2D, MAXPOOL2D, AVGPOOL2D, UPSAMPLE2D)
