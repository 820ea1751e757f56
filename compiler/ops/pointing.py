"""Weights of a text's positions, and the words that stand there: what each word of the vocabulary has of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import Dim, Type, TypeRuleError, columns, elements


def _ids(ids: Type, rows: Dim) -> None:
    if ids.dtype != "i64" or ids.rank != 2 or ids.shape[0] != rows:
        raise TypeRuleError("wants the ids of a text for each row")
    if ids.ragged is not None and ids.pad != "zero":
        raise TypeRuleError("the padding would be pointed at: its ids must be 0")


def _each(x: Type) -> None:
    if x.rank != 3 or x.rows is not None or x.ragged not in (None, 1) or x.dtype not in ("f32", "f64"):
        raise TypeRuleError("wants numbers for each position [B, T, n]")


@dataclass(frozen=True)
class AddAtIds(Op):
    """For each id the sum of the weights of the places where it stands; 0 for id 0, the padding's.

    weights: [B, T, S], ids: i64[B, T'], S as many as T' -> [B, T, size]
    """

    size: Dim

    def infer(self, *inputs: Type) -> Type:
        weights, ids = inputs
        _each(weights)
        _ids(ids, weights.shape[0])
        if weights.shape[2] != columns(ids.shape[1]):
            raise TypeRuleError(f"{weights.shape[2]} weights are not of {ids.shape[1]} words")
        return Type(weights.dtype, (*weights.shape[:2], self.size)).with_pad(weights.pad)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return apply(TakeAtIds(), cotangent, node.inputs[1]), None

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(inputs[0], sizes)


@dataclass(frozen=True)
class TakeAtIds(Op):
    """The adjoint of AddAtIds: what each place's id has; 0 where the id is 0.

    x: [B, T, V], ids: i64[B, T'] -> [B, T, S], S as many as T'
    """

    def infer(self, *inputs: Type) -> Type:
        x, ids = inputs
        _each(x)
        _ids(ids, x.shape[0])
        return Type(x.dtype, (*x.shape[:2], columns(ids.shape[1]))).with_pad("any" if x.pad == "lowest" else x.pad)

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        x, ids = inputs
        return (Type("i64", (*x.shape[:2], columns(ids.shape[1]))),)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, ids = node.inputs
        return apply(AddAtIds(x.type.shape[2]), cotangent, ids), None
