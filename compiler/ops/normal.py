"""Softmax: over the last axis with its logarithm and its divisor, and over the positions of a sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import Dim, Type, TypeRuleError, elements, is_ragged, rows_of
from compiler.ops.elementwise import Exp, Mul, Sub
from compiler.ops.reduction import Sum
from compiler.ops.sequence import one_each
from compiler.ops.shape import Reshape


def _rows(x: Type) -> Type:
    if x.rank < 1 or is_ragged(x.shape[-1]) or x.rows is not None or x.dtype not in ("f32", "f64"):
        raise TypeRuleError("wants floating-point rows of one length")
    return x.with_pad("finite" if x.pad in ("zero", "finite") else "any")


@dataclass(frozen=True)
class Softmax(Op):
    """exp(x) over its sum along the last axis; the largest is taken away first, so nothing overflows."""

    def infer(self, *inputs: Type) -> Type:
        return _rows(inputs[0])

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (Type(inputs[0].dtype, (*inputs[0].shape[:-1], 1)),)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (softmax_gradient(node, cotangent),)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 4 * elements(out, sizes)


def softmax_gradient(node: Node, cotangent: Node) -> Node:
    """Of a softmax over the last axis, or over some of it, 0 being the others."""
    share = apply(Sum((node.type.rank - 1,), keep=True), apply(Mul(), cotangent, node))
    return apply(Mul(), node, apply(Sub(), cotangent, share))


@dataclass(frozen=True)
class LogSoftmax(Op):
    """x minus the logarithm of the sum of exp(x) along the last axis; finite where softmax rounds to 0."""

    def infer(self, *inputs: Type) -> Type:
        return _rows(inputs[0])

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return Type(inputs[0].dtype, (*inputs[0].shape[:-1], 1)), inputs[0]

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        total = apply(Sum((node.type.rank - 1,), keep=True), cotangent)
        return (apply(Sub(), cotangent, apply(Mul(), apply(Exp(), node), total)),)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 4 * elements(out, sizes)


@dataclass(frozen=True)
class LogSumExp(Op):
    """log(sum(exp(x))) along one axis, which goes; the largest is taken away first, so nothing overflows.

    Each column must have a finite element: of minus infinities alone it is NaN.
    """

    axis: int

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        if not 0 <= self.axis < x.rank or is_ragged(x.shape[self.axis]):
            raise TypeRuleError(f"there is no axis {self.axis} of one length")
        if x.rows is not None or x.dtype not in ("f32", "f64"):
            raise TypeRuleError("wants floating-point numbers")
        result = x.with_shape((*x.shape[: self.axis], *x.shape[self.axis + 1 :]))
        return result.with_pad("finite" if x.pad in ("zero", "finite") else "any")

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        (x,) = inputs
        return Type(x.dtype, _kept(x, self.axis)), x

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x = node.inputs[0]
        kept = Reshape(_kept(x.type, self.axis))
        share = apply(Exp(), apply(Sub(), x, apply(kept, node)))
        return (apply(Mul(), apply(kept, cotangent), share),)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 4 * elements(inputs[0], sizes)


def _kept(x: Type, axis: int) -> tuple[Dim, ...]:
    return (*x.shape[:axis], 1, *x.shape[axis + 1 :])


@dataclass(frozen=True)
class PositionSoftmax(Op):
    """The softmax of each column over the positions of its row that are real; 0 for padding.

    x: [B, T, n] with anything in its padding, lengths: i64[B] -> the same
    """

    def infer(self, *inputs: Type) -> Type:
        x, lengths = inputs
        if x.rank != 3 or x.ragged != 1 or x.dtype not in ("f32", "f64"):
            raise TypeRuleError("wants a sequence [B, T, n]")
        one_each(lengths, rows_of(x.shape[1]))
        return x.with_pad("zero")

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        x = inputs[0]
        return (Type(x.dtype, (x.shape[0], 1, x.shape[2])),)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        share = apply(Sum((1,), keep=True), apply(Mul(), cotangent, node))
        return apply(Mul(), node, apply(Sub(), cotangent, share)), None

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 4 * elements(out, sizes)
