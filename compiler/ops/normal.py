"""Softmax and its logarithm, over the last axis, which must not be ragged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import Type, TypeRuleError, elements, is_ragged
from compiler.ops.elementwise import Exp, Mul, Sub
from compiler.ops.reduction import Sum


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
        share = apply(Sum((node.type.rank - 1,), keep=True), apply(Mul(), cotangent, node))
        return (apply(Mul(), node, apply(Sub(), cotangent, share)),)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 4 * elements(out, sizes)


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
