"""Ops over the two axes of pictures, channels last: convolution and the maximum of windows, each with its adjoints.

A convolution is one op, not windows and a product: its kernel lays out a few pictures' windows at a time, in work space
that stays in the cache, where all windows of a batch would be as large as the picture times the kernel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import DTYPES, Dim, Type, TypeRuleError, elements

BLOCK_BYTES = 1 << 20
"""Work space that the windows of a block of pictures may take, if it is more than one picture."""


def seen_at(length: int, size: int, stride: int, dilation: int = 1, zeros: int = 0) -> int:
    """How many windows an axis has, 0 where a window is longer than the axis and the zeros around it."""
    return max((length + zeros - dilation * (size - 1) - 1) // stride + 1, 0)


@dataclass(frozen=True)
class _Convolution(Op):
    """What the three ops of a convolution share; each pair is of (height, width).

    size, stride: of a window; dilation: how far apart its pixels lie; before, after: zeros around the picture
    """

    size: tuple[int, ...]
    stride: tuple[int, ...] = (1, 1)
    dilation: tuple[int, ...] = (1, 1)
    before: tuple[int, ...] = (0, 0)
    after: tuple[int, ...] = (0, 0)

    def looks(self) -> tuple[tuple[int, ...], ...]:
        return self.size, self.stride, self.dilation, self.before, self.after

    def places(self, picture: tuple[int, int]) -> tuple[int, int]:
        """How many windows a picture of that height and width has, in each direction."""
        return _pair(
            seen_at(n, *rest)
            for n, *rest in zip(
                picture,
                self.size,
                self.stride,
                self.dilation,
                (b + a for b, a in zip(self.before, self.after, strict=True)),
                strict=True,
            )
        )

    def of_picture(self, x: Type) -> tuple[tuple[int, int], int]:
        """Where windows lie in a picture, and how many numbers each shows. Raises TypeRuleError."""
        height, width, channels = sides(x)
        places = self.places((height, width))
        if 0 in places:
            raise TypeRuleError(f"windows of {self.size} do not fit in {height} x {width}")
        return places, prod(self.size) * channels

    def work_space(self, x: Type) -> tuple[Type, ...]:
        """A block of pictures with the zeros around them, and their windows."""
        height, width, channels = sides(x)
        (down, across), shown = self.of_picture(x)
        zeros = [b + a for b, a in zip(self.before, self.after, strict=True)]
        block = max(1, BLOCK_BYTES // (down * across * shown * DTYPES[x.dtype]))
        return (
            Type(x.dtype, (block, height + zeros[0], width + zeros[1], channels)),
            Type(x.dtype, (block, down, across, shown)),
        )


@dataclass(frozen=True)
class Conv2d(_Convolution):
    """Every window of a picture times a matrix.

    x: [B, h, w, c], kernel: [size[0] size[1] c, f] -> [B, h', w', f], h' = (h + before + after - reach) // stride + 1,
    reach = dilation (size - 1) + 1. A row of the kernel is a pixel of the window from the top left on, by channels.
    """

    def infer(self, *inputs: Type) -> Type:
        x, kernel = inputs
        places, shown = self.of_picture(x)
        if kernel.dtype != x.dtype or kernel.rank != 2 or kernel.shape[0] != shown:
            raise TypeRuleError(f"wants a kernel [{shown}, f] of one dtype with the picture")
        return Type(x.dtype, (x.shape[0], *places, kernel.shape[1]))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, kernel = node.inputs
        height, width, _ = sides(x.type)
        to_picture = Conv2dToPicture(*self.looks(), picture=(height, width))
        return apply(to_picture, cotangent, kernel), apply(Conv2dToKernel(*self.looks()), x, cotangent)

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return self.work_space(inputs[0])

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return _products(self, inputs[0], out, sizes)


@dataclass(frozen=True)
class Conv2dToPicture(_Convolution):
    """The adjoint of Conv2d in its picture: each pixel gets what the windows that show it give.

    x: [B, h', w', f], kernel: [size[0] size[1] c, f] -> [B, h, w, c]; picture: (h, w)
    """

    picture: tuple[int, ...] = (1, 1)

    def infer(self, *inputs: Type) -> Type:
        x, kernel = inputs
        down, across, filters = sides(x)
        height, width = self.picture
        channels = kernel.shape[0] // prod(self.size) if kernel.rank == 2 and isinstance(kernel.shape[0], int) else 0
        if kernel.dtype != x.dtype or kernel.shape != (prod(self.size) * channels, filters):
            raise TypeRuleError(f"wants a kernel [{' '.join(map(str, self.size))} c, {filters}]")
        if (down, across) != self.places((height, width)):
            raise TypeRuleError(f"are not the windows of a picture {height} x {width}")
        return Type(x.dtype, (x.shape[0], height, width, channels))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, kernel = node.inputs
        return apply(Conv2d(*self.looks()), cotangent, kernel), apply(Conv2dToKernel(*self.looks()), cotangent, x)

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return self.work_space(self.infer(*inputs))

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return _products(self, out, inputs[0], sizes)


@dataclass(frozen=True)
class Conv2dToKernel(_Convolution):
    """The adjoint of Conv2d in its kernel: the sum over all windows of what they show times what came back.

    x: [B, h, w, c], y: [B, h', w', f] -> [size[0] size[1] c, f]
    """

    def infer(self, *inputs: Type) -> Type:
        x, y = inputs
        places, shown = self.of_picture(x)
        down, across, filters = sides(y)
        if x.dtype != y.dtype or x.shape[0] != y.shape[0] or (down, across) != places:
            raise TypeRuleError(f"wants as many pictures of {places[0]} x {places[1]}")
        return Type(x.dtype, (shown, filters))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, y = node.inputs
        height, width, _ = sides(x.type)
        to_picture = Conv2dToPicture(*self.looks(), picture=(height, width))
        return apply(to_picture, y, cotangent), apply(Conv2d(*self.looks()), x, cotangent)

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (*self.work_space(inputs[0]), self.infer(*inputs))

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return _products(self, inputs[0], inputs[1], sizes)


@dataclass(frozen=True)
class MaxPool2d(Op):
    """The largest of each channel in every window. x: [B, h, w, c] -> [B, h', w', c], h' = (h - size) // stride + 1.

    What is left over at the bottom and on the right is not looked at. The gradient is that of the first of the largest,
    row by row from the top left.
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        return Type(x.dtype, (x.shape[0], *_pooled(self.size, self.stride, x), x.shape[3]))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(PutMax2d(self.size, self.stride), node.inputs[0], node, cotangent),)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(out, sizes) * prod(self.size)


@dataclass(frozen=True)
class PutMax2d(Op):
    """The adjoint of MaxPool2d: each number is added where the largest of its window stands; all else is 0.

    x: [B, h, w, c], largest: what MaxPool2d gives of it, y: [B, h', w', c] -> [B, h, w, c]
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]

    def infer(self, *inputs: Type) -> Type:
        x, largest, y = inputs
        if not (largest == y == MaxPool2d(self.size, self.stride).infer(x)):
            raise TypeRuleError("wants a picture, the largest of its windows, and a number for each")
        return x

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return _search(inputs[2])

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, largest, _ = node.inputs
        return None, None, apply(TakeMax2d(self.size, self.stride), x, largest, cotangent)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(inputs[2], sizes) * prod(self.size)


@dataclass(frozen=True)
class TakeMax2d(Op):
    """The adjoint of PutMax2d: of every window what y has where the first of the largest of x stands.

    x: [B, h, w, c], largest: what MaxPool2d gives of it, y: [B, h, w, c] -> [B, h', w', c]
    """

    size: tuple[int, ...]
    stride: tuple[int, ...]

    def infer(self, *inputs: Type) -> Type:
        x, largest, y = inputs
        if x != y or largest != MaxPool2d(self.size, self.stride).infer(x):
            raise TypeRuleError("wants a picture, the largest of its windows, and a picture of that size")
        return largest

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return _search(inputs[1])

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, largest, _ = node.inputs
        return None, None, apply(PutMax2d(self.size, self.stride), x, largest, cotangent)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(out, sizes) * prod(self.size)


def _search(of: Type) -> tuple[Type, ...]:
    """Which windows have not met their largest yet, which meet it now, and what these give."""
    return Type("bool", of.shape), Type("bool", of.shape), of


def _pooled(size: tuple[int, ...], stride: tuple[int, ...], x: Type) -> tuple[int, int]:
    height, width, _ = sides(x)
    places = _pair(seen_at(n, k, step) for n, k, step in zip((height, width), size, stride, strict=True))
    if 0 in places:
        raise TypeRuleError(f"windows of {size} do not fit in {height} x {width}")
    return places


def _pair(numbers: Iterable[int]) -> tuple[int, int]:
    first, second = numbers
    return first, second


def sides(x: Type) -> tuple[int, int, int]:
    """Height, width and channels of pictures. Raises TypeRuleError."""
    dims: tuple[Dim, ...] = x.shape[1:]
    if x.rank != 4 or x.dtype not in ("f32", "f64") or x.rows is not None:
        raise TypeRuleError("wants pictures [B, h, w, c]")
    height, width, channels = dims
    if not (isinstance(height, int) and isinstance(width, int) and isinstance(channels, int)):
        raise TypeRuleError("wants pictures whose sizes are numbers")
    return height, width, channels


def _products(op: _Convolution, picture: Type, seen: Type, sizes: Mapping[str, int]) -> int:
    """Two operations for each number of a window and each filter."""
    return 2 * elements(seen, sizes) * prod(op.size) * sides(picture)[2]
