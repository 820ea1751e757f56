"""Matrix products: what a network spends its time on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import Type, TypeRuleError, elements, is_ragged, value_of


@dataclass(frozen=True)
class MatMul(Op):
    """Every row of x times a matrix.

    x: [*S, n], w: [n, m], or [m, n] when transposed -> [*S, m]
    """

    transposed: bool = False

    def infer(self, *inputs: Type) -> Type:
        x, w = inputs
        if x.dtype != w.dtype or w.rank != 2 or x.rank < 1:
            raise TypeRuleError("wants rows and a matrix of one dtype")
        n, m = reversed(w.shape) if self.transposed else w.shape
        if x.shape[-1] != n or is_ragged(n) or x.rows is not None or w.rows is not None:
            raise TypeRuleError(f"rows of {x.shape[-1]} do not fit a matrix for rows of {n}")
        pad = x.pad if x.pad in ("zero", "finite") else "any"
        return Type(x.dtype, (*x.shape[:-1], m)).with_pad(pad)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, w = node.inputs
        to_w = (cotangent, x) if self.transposed else (x, cotangent)
        return apply(MatMul(not self.transposed), cotangent, w), apply(Outer(), *to_w)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 2 * elements(out, sizes) * value_of(inputs[0].shape[-1], sizes)


@dataclass(frozen=True)
class Outer(Op):
    """The sum over all rows of x's row times y's row: a weight's gradient.

    x: [*S, n], y: [*S, m] -> [n, m]. Where S is ragged, one of them must be 0 in the padding and the other finite.
    """

    def infer(self, *inputs: Type) -> Type:
        x, y = inputs
        if x.dtype != y.dtype or x.shape[:-1] != y.shape[:-1] or x.rank < 2 or x.rows or y.rows:
            raise TypeRuleError("wants as many rows of each")
        if x.ragged is not None and ("zero" not in (x.pad, y.pad) or {x.pad, y.pad} - {"zero", "finite"}):
            raise TypeRuleError("the product would count the padding: it must be 0 in one and finite in the other")
        return Type(x.dtype, (x.shape[-1], y.shape[-1]))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, y = node.inputs
        return apply(MatMul(transposed=True), y, cotangent), apply(MatMul(), x, cotangent)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 2 * elements(inputs[0], sizes) * value_of(inputs[1].shape[-1], sizes)
