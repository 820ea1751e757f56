"""Some positions of a batch's sequences, whichever rows they stand in: where only they are asked about."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import Dim, Type, TypeRuleError
from compiler.ops.elementwise import Greater, Keep, constant
from compiler.ops.shape import Reshape


def _places(type: Type) -> Dim:
    if type.dtype != "i64" or type.rank != 2 or type.shape[0] != 1:
        raise TypeRuleError("places are i64[1, M]")
    return type.shape[1]


@dataclass(frozen=True)
class PickPositions(Op):
    """Positions side by side, as if they were those of one row. x: [B, T, *R], places: i64[1, M] -> [1, M, *R]

    places: row * T + position, of positions that are real, none of them twice; behind them -1 for none: the first
    position of all stands in its place, and no gradient comes from it
    """

    def infer(self, *inputs: Type) -> Type:
        x, places = inputs
        count = _places(places)
        if x.rank < 2 or x.rows is not None or x.ragged not in (None, 1):
            raise TypeRuleError("wants a sequence [B, T, ...]")
        return Type(x.dtype, (1, count, *x.shape[2:]))

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (inputs[1],)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, places = node.inputs
        return apply(PutPositions((x.type.shape[0], x.type.shape[1])), cotangent, places), None


@dataclass(frozen=True)
class PutPositions(Op):
    """The adjoint of PickPositions: each at its place, zeros elsewhere. x: [1, M, *R], i64[1, M] -> [B, T, *R]"""

    shape: tuple[Dim, Dim]

    def infer(self, *inputs: Type) -> Type:
        x, places = inputs
        if x.rank < 2 or x.shape[:2] != (1, _places(places)):
            raise TypeRuleError("wants positions [1, M, ...] and their places")
        return Type(x.dtype, (*self.shape, *x.shape[2:])).with_pad("zero")

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return inputs

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        picked = apply(PickPositions(), cotangent, node.inputs[1])
        there = apply(Greater(), node.inputs[1], constant(-1, "i64"))
        axes = (1, picked.type.shape[1], *(1 for _ in picked.type.shape[2:]))
        return apply(Keep(), apply(Reshape(axes), there), picked), None
