"""Ops that make one number of many. Over a ragged axis the padding must hold what does not count: 0 in a sum, minus
infinity in a maximum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import Dim, Type, TypeRuleError, elements, is_ragged
from compiler.ops.shape import Broadcast, Reshape


def _reduced(shape: tuple[Dim, ...], axes: tuple[int, ...], keep: bool) -> tuple[Dim, ...]:
    if any(not 0 <= a < len(shape) for a in axes) or list(axes) != sorted(set(axes)):
        raise TypeRuleError(f"there are no axes {axes}")
    return tuple(1 if i in axes else d for i, d in enumerate(shape) if keep or i not in axes)


@dataclass(frozen=True)
class Sum(Op):
    """The sum over axes, in rising order; keep leaves them as 1. Of a row-sparse value: over everything, a number."""

    axes: tuple[int, ...]
    keep: bool = False

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        if x.rows is not None:
            if self.axes != tuple(range(x.rank)) or self.keep:
                raise TypeRuleError("a row-sparse value is summed over all axes at once")
            return Type(x.dtype)
        if x.dtype == "bool":
            raise TypeRuleError("wants numbers")
        if any(is_ragged(x.shape[a]) for a in self.axes if a < x.rank) and x.pad != "zero":
            raise TypeRuleError("the sum would count the padding: it must be 0 there")
        return x.with_shape(_reduced(x.shape, self.axes, self.keep))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        shape = node.inputs[0].type.shape
        kept = apply(Reshape(_reduced(shape, self.axes, True)), cotangent)
        return (apply(Broadcast(shape), kept),)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(inputs[0], sizes)


@dataclass(frozen=True)
class Max(Op):
    """The largest along one axis, which goes. Its gradient is that of the first of the largest."""

    axis: int

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        _counts_no_padding(x, self.axis)
        return x.with_shape(_reduced(x.shape, (self.axis,), False))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x = node.inputs[0]
        first = apply(ArgMax(self.axis), x)
        kept = _reduced(x.type.shape, (self.axis,), True)
        put = PutAlong(self.axis, x.type.shape[self.axis])
        return (apply(put, apply(Reshape(kept), cotangent), apply(Reshape(kept), first)),)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(inputs[0], sizes)


@dataclass(frozen=True)
class ArgMax(Op):
    """Where along the axis the largest stands, the first of several: i64."""

    axis: int

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        _counts_no_padding(x, self.axis)
        return Type("i64", _reduced(x.shape, (self.axis,), False)).with_pad("finite")

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return _search(inputs[0], self.axis)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(inputs[0], sizes)


def _search(x: Type, axis: int) -> tuple[Type, ...]:
    """The largest of each column, which elements equal it, and a rank for each element."""
    best = Type(x.dtype, _reduced(x.shape, (axis,), True))
    return best, Type("bool", x.shape), Type("f32", x.shape)


def _counts_no_padding(x: Type, axis: int) -> None:
    if not 0 <= axis < x.rank or x.rows is not None:
        raise TypeRuleError(f"there is no axis {axis}")
    if is_ragged(x.shape[axis]) and x.pad != "lowest":
        raise TypeRuleError("the maximum could be the padding: it must be minus infinity there")


@dataclass(frozen=True)
class TopPositions(Op):
    """Where the k largest of each column stand, in the order of their positions; -1 at the end where there are fewer.

    x: [B, T, D], padding minus infinity -> i64[B, k, D]; of equal ones the first count.
    """

    k: int

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        if x.rank != 3:
            raise TypeRuleError("wants a sequence [B, T, D]")
        _counts_no_padding(x, 1)
        return Type("i64", (x.shape[0], self.k, x.shape[2]))

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        x = inputs[0]
        return x, *_search(x, 1), Type("i64", (x.shape[0], x.shape[2]))


@dataclass(frozen=True)
class TakeAlong(Op):
    """result[..., j, ...] = x[..., positions[..., j, ...], ...] along an axis; position -1 gives 0.

    x: [*S, n, *R], positions: i64[*S, m, *R] -> [*S, m, *R]
    """

    axis: int

    def infer(self, *inputs: Type) -> Type:
        x, positions = inputs
        if x.rows is not None or not 0 <= self.axis < x.rank:
            raise TypeRuleError(f"there is no axis {self.axis}")
        if positions.dtype != "i64" or x.rank != positions.rank:
            raise TypeRuleError("wants positions i64 of as many axes")
        others = [(a, b) for i, (a, b) in enumerate(zip(x.shape, positions.shape, strict=True)) if i != self.axis]
        if any(a != b for a, b in others):
            raise TypeRuleError("shapes differ in more than that axis")
        return Type(x.dtype, positions.shape).with_pad("any" if x.pad in ("any", "lowest") else "finite")

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (inputs[1],)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, positions = node.inputs
        return apply(PutAlong(self.axis, x.type.shape[self.axis]), cotangent, positions), None


@dataclass(frozen=True)
class AddAlong(Op):
    """x with one number a column added, at a position of the axis; nothing where that is -1.

    x: [*S, n, *R], y: [*S, 1, *R], positions: i64 of y's shape -> as x
    """

    axis: int

    def infer(self, *inputs: Type) -> Type:
        x, y, positions = inputs
        if x.rows is not None or not 0 <= self.axis < x.rank or is_ragged(x.shape[self.axis]):
            raise TypeRuleError(f"there is no axis {self.axis} of one length")
        one = (*x.shape[: self.axis], 1, *x.shape[self.axis + 1 :])
        if y.shape != one or positions.shape != one or positions.dtype != "i64" or x.dtype != y.dtype:
            raise TypeRuleError("wants a number and a position for each column")
        pads = {x.pad, y.pad}
        return x.with_pad("zero" if pads == {"zero"} else "finite" if pads <= {"zero", "finite"} else "any")

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (inputs[2],)


@dataclass(frozen=True)
class PutAlong(Op):
    """The adjoint of TakeAlong: x[..., j, ...] is added at its position of an axis of that size; all else is 0.

    Positions -1 are dropped. In each column a position occurs once.
    """

    axis: int
    size: Dim

    def infer(self, *inputs: Type) -> Type:
        x, positions = inputs
        if x.rows is not None or not 0 <= self.axis < x.rank:
            raise TypeRuleError(f"there is no axis {self.axis}")
        if positions.dtype != "i64" or x.shape != positions.shape:
            raise TypeRuleError("wants positions i64 of the same shape")
        shape = (*x.shape[: self.axis], self.size, *x.shape[self.axis + 1 :])
        # Positions come from a maximum or from labels, so they are real ones: the new axis' padding gets nothing.
        pad = "zero" if is_ragged(self.size) else "any" if x.pad == "lowest" else x.pad
        return Type(x.dtype, shape).with_pad(pad)

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (inputs[1],)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return apply(TakeAlong(self.axis), cotangent, node.inputs[1]), None
