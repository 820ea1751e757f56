"""Rows for the ops over pictures."""

from __future__ import annotations

from math import prod

from compiler.ir.graph import apply
from compiler.ir.types import BATCH
from compiler.ops.picture import Conv2d, Conv2dToKernel, Conv2dToPicture, MaxPool2d, PutMax2d, TakeMax2d
from tests.ops.case import SIZES, Case, f64
from tests.ops.formulas import Array, convolved, of_windows, transposed

Pair = tuple[int, int]
ROWS = SIZES["B"]


def _convolution(
    picture: tuple[int, int, int],
    size: Pair,
    stride: Pair = (1, 1),
    dilation: Pair = (1, 1),
    before: Pair = (0, 0),
    after: Pair = (0, 0),
    filters: int = 2,
) -> list[Case]:
    looks = size, stride, dilation, before, after
    op, (height, width, channels) = Conv2d(*looks), picture
    places = op.places((height, width))
    x, kernel, y = f64(BATCH, *picture), f64(prod(size) * channels, filters), f64(BATCH, *places, filters)

    def forward(x: Array, kernel: Array) -> Array:
        return convolved(x, kernel, size, stride, dilation, before, places)

    def to_picture(y: Array, kernel: Array) -> Array:
        return transposed(lambda x: forward(x, kernel), (len(y), *picture), y)

    def to_kernel(x: Array, y: Array) -> Array:
        return transposed(lambda kernel: forward(x, kernel), (prod(size) * channels, filters), y)

    title = f"size {size} stride {stride} dilation {dilation} before {before} after {after} of {picture}"
    back = Conv2dToPicture(*looks, picture=(height, width))
    return [
        Case(f"conv2d {title}", op, (x, kernel), forward, y, smooth=(0, 1)),
        Case(f"conv2d to picture {title}", back, (y, kernel), to_picture, x, smooth=(0, 1)),
        Case(f"conv2d to kernel {title}", Conv2dToKernel(*looks), (x, y), to_kernel, kernel, smooth=(0, 1)),
    ]


def _pooling(picture: tuple[int, int, int], size: Pair, stride: Pair, like: str) -> list[Case]:
    op = MaxPool2d(size, stride)
    x = f64(BATCH, *picture)
    y = op.infer(x)
    title = f"size {size} stride {stride} of {picture} {like}"

    def largest(x: Array) -> Array:
        return of_windows(x, x, size, stride, put=False)

    def put(x: Array, y: Array) -> Array:
        return of_windows(x, y, size, stride, put=True)

    def take(x: Array, y: Array) -> Array:
        return of_windows(x, y, size, stride, put=False)

    smooth = (0,) if like == "normal" else ()
    return [
        Case(f"max pool2d {title}", op, (x,), largest, y, (like,), smooth),
        Case(f"put max2d {title}", PutMax2d(size, stride), (x, y), put, x, (like,), (1,),
             build=lambda x, y: apply(PutMax2d(size, stride), x, apply(op, x), y)),
        Case(f"take max2d {title}", TakeMax2d(size, stride), (x, x), take, y, (like,), (1,),
             build=lambda x, y: apply(TakeMax2d(size, stride), x, apply(op, x), y)),
    ]  # fmt: skip


PICTURE = [
    *_convolution((4, 3, 2), (2, 3)),
    *_convolution((4, 5, 2), (3, 2), stride=(2, 1), before=(1, 0), after=(1, 1)),
    *_convolution((5, 4, 1), (2, 2), stride=(1, 3), dilation=(2, 1), before=(1, 2)),
    *_convolution((1, 1, 3), (1, 1), filters=1),
    *_convolution((2, 2, 1), (3, 3), before=(1, 1), after=(1, 1)),
    *_pooling((4, 6, 2), (2, 2), (2, 2), "normal"),
    *_pooling((5, 4, 1), (3, 2), (1, 2), "normal"),
    *_pooling((5, 5, 1), (2, 3), (2, 1), "ties"),
    *_pooling((1, 1, 2), (1, 1), (1, 1), "normal"),
]
