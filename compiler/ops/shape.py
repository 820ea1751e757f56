"""Ops that only move data: other shapes, other orders, parts and wholes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import gcd, prod
from typing import ClassVar

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import Dim, Extent, Type, TypeRuleError, is_ragged, moved, plus


@dataclass(frozen=True)
class Reshape(Op):
    """The same numbers in another shape, in the same order.

    x: any -> shape, whose symbols are those of x's shape and whose numbers have the same product; `2*V` is 2 times `V`
    """

    shape: tuple[Dim, ...]

    view: ClassVar[bool] = True

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        before, after = _factors(x.shape), _factors(self.shape)
        symbols = [Counter(d for d in shape if isinstance(d, Extent)) for shape in (before, after)]
        numbers = [prod(d for d in shape if isinstance(d, int)) for shape in (before, after)]
        if symbols[0] != symbols[1] or numbers[0] != numbers[1] or x.rows is not None:
            raise TypeRuleError("another number of elements")
        if x.ragged is not None and _places(before) != _places(after):
            raise TypeRuleError("the lengths of the rows would be lost")
        return x.with_shape(self.shape)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(Reshape(node.inputs[0].type.shape), cotangent),)


def _factors(shape: tuple[Dim, ...]) -> tuple[Dim, ...]:
    """The shape with each `2*V+2` as the two axes 2 and V+1."""
    split: list[Dim] = []
    for dim in shape:
        factor = gcd(dim.shift, *(c for _, c in dim.terms)) if isinstance(dim, Extent) else 1
        if isinstance(dim, Extent) and dim.step == dim.least == 1 and factor > 1:
            split += [factor, Extent(tuple((name, c // factor) for name, c in dim.terms), dim.shift // factor)]
        else:
            split.append(dim)
    return tuple(split)


def _places(shape: tuple[Dim, ...]) -> list[tuple[Dim, int]]:
    """Each symbolic axis with the product of the numbers before it: alike where the axes are the same ones."""
    return [(d, prod(n for n in shape[:i] if isinstance(n, int))) for i, d in enumerate(shape) if isinstance(d, Extent)]


@dataclass(frozen=True)
class Transpose(Op):
    """The axes in another order: axis i of the result is axis axes[i] of x."""

    axes: tuple[int, ...]

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        if sorted(self.axes) != list(range(x.rank)) or x.rows is not None:
            raise TypeRuleError("wants each axis once")
        return x.with_shape(tuple(x.shape[i] for i in self.axes))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        back = tuple(self.axes.index(i) for i in range(len(self.axes)))
        return (apply(Transpose(back), cotangent),)


@dataclass(frozen=True)
class Broadcast(Op):
    """x written out in a shape that it broadcasts to, as NumPy does."""

    shape: tuple[Dim, ...]

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        lead = len(self.shape) - x.rank
        if x.rows is not None or lead < 0 or any(d not in (1, self.shape[lead + i]) for i, d in enumerate(x.shape)):
            raise TypeRuleError("does not broadcast to that shape")
        pad = x.pad if x.ragged is not None else "finite"
        return Type(x.dtype, self.shape).with_pad(pad)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (cotangent,)


@dataclass(frozen=True)
class Concat(Op):
    """The operands one after the other along an axis (not a ragged one); all else about them is equal."""

    axis: int

    def infer(self, *inputs: Type) -> Type:
        first = inputs[0]
        if not 0 <= self.axis < first.rank:
            raise TypeRuleError(f"there is no axis {self.axis}")
        size: Dim = 0
        for t in inputs:
            rest = t.shape[: self.axis] + t.shape[self.axis + 1 :]
            if t.rank != first.rank or rest != first.shape[: self.axis] + first.shape[self.axis + 1 :]:
                raise TypeRuleError("shapes differ in more than that axis")
            if t.dtype != first.dtype or t.rows is not None or is_ragged(t.shape[self.axis]):
                raise TypeRuleError("wants dense values of one dtype, and an axis that is not ragged")
            size = plus(size, t.shape[self.axis])
        shape = (*first.shape[: self.axis], size, *first.shape[self.axis + 1 :])
        pads = {t.pad for t in inputs}
        pad = first.pad if len(pads) == 1 else "finite" if pads <= {"finite", "zero"} else "any"
        return Type(first.dtype, shape).with_pad(pad)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        start: Dim = 0
        parts: list[Node] = []
        for operand in node.inputs:
            size = operand.type.shape[self.axis]
            parts.append(apply(Slice(self.axis, start, size), cotangent))
            start = plus(start, size)
        return tuple(parts)


def _dense_axis(x: Type, axis: int) -> None:
    if not 0 <= axis < x.rank or x.rows is not None:
        raise TypeRuleError(f"there is no axis {axis}")


@dataclass(frozen=True)
class Slice(Op):
    """size neighbours along an axis that is not ragged, from start on."""

    axis: int
    start: Dim
    size: Dim

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        _dense_axis(x, self.axis)
        whole = x.shape[self.axis]
        if is_ragged(whole):
            raise TypeRuleError("a part of a ragged axis loses its lengths")
        end = plus(self.start, self.size)
        ends_past = isinstance(end, int) and isinstance(whole, int) and end > whole
        if ends_past or (isinstance(self.start, int) and self.start < 0):
            raise TypeRuleError(f"there are no {self.size} from {self.start} on in {whole}")
        return x.with_shape((*x.shape[: self.axis], self.size, *x.shape[self.axis + 1 :]))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(Place(self.axis, self.start, node.inputs[0].type.shape[self.axis]), cotangent),)


@dataclass(frozen=True)
class Place(Op):
    """x as the part of a larger axis that begins at start; the rest is 0. What Slice undoes."""

    axis: int
    start: Dim
    size: Dim

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        _dense_axis(x, self.axis)
        if is_ragged(x.shape[self.axis]):
            raise TypeRuleError("a ragged axis has no place in a larger one")
        result = x.with_shape((*x.shape[: self.axis], self.size, *x.shape[self.axis + 1 :]))
        # The zeros around it are no minus infinity.
        return result.with_pad("any" if x.pad == "lowest" else x.pad)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(Slice(self.axis, self.start, node.inputs[0].type.shape[self.axis]), cotangent),)


@dataclass(frozen=True)
class Windows(Op):
    """Overlapping windows of a sequence, side by side: what a convolution multiplies and a pooling looks at.

    x: [B, T, D] -> [B, T', size, D]
    T' = max((T + before + after - reach) // stride + 1, 1), reach = dilation (size - 1) + 1
    before, after: positions that are added at the ends; they, and what a text shorter than the reach lacks, hold what
    stands in x's padding, which must be 0 or minus infinity.
    """

    size: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0

    @property
    def reach(self) -> int:
        return self.dilation * (self.size - 1) + 1

    def positions(self, dim: Dim) -> Dim:
        return moved(dim, self.before + self.after - self.reach + self.stride, self.stride)

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        if x.rank != 3 or x.ragged not in (None, 1) or (x.pad not in ("zero", "lowest") and x.ragged is not None):
            raise TypeRuleError("wants a sequence [B, T, D] whose padding is 0 or minus infinity")
        result = x.with_shape((x.shape[0], self.positions(x.shape[1]), self.size, x.shape[2]))
        return result.with_pad("finite" if x.pad == "zero" else "any")

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        fold = Fold(self.size, self.stride, self.dilation, self.before, self.after, node.inputs[0].type.shape[1])
        return (apply(fold, cotangent),)


@dataclass(frozen=True)
class Fold(Op):
    """The adjoint of Windows: each position is the sum of the places where the windows show it.

    x: [B, T', size, D] -> [B, length, D]; the padding of x must be 0.
    """

    size: int
    stride: int
    dilation: int
    before: int
    after: int
    length: Dim

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        if x.rank != 4 or (x.ragged is not None and x.pad != "zero"):
            raise TypeRuleError("wants windows [B, T, k, D] whose padding is 0")
        windows = Windows(self.size, self.stride, self.dilation, self.before, self.after)
        if x.shape[1:3] != (windows.positions(self.length), self.size):
            raise TypeRuleError(f"are not the windows of a sequence of length {self.length}")
        return Type(x.dtype, (x.shape[0], self.length, x.shape[3])).with_pad("finite")

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(Windows(self.size, self.stride, self.dilation, self.before, self.after), cotangent),)
