"""Ops that know how long each row is. lengths is i64[B]: how many tokens a row of the input has, at least 1.

Where the rows are words that are spelled, `W` stands for `B`, and `K` for `T`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import Dim, Dtype, Type, TypeRuleError, is_ragged, rows_of


def one_each(type: Type, rows: Dim) -> None:
    """Refuses what is no whole number for each of the rows. Raises TypeRuleError."""
    if type.dtype != "i64" or type.shape != (rows,):
        raise TypeRuleError(f"lengths are i64[{rows}]")


@dataclass(frozen=True)
class Mask(Op):
    """x with every row's padding set to 0, or to minus infinity.

    x: [B, T, *R] or [T, B, *R], lengths: i64[B] -> the same. The type of x tells, from a row's length, how many
    positions are real.
    """

    fill: Literal["zero", "lowest"] = "zero"

    def infer(self, *inputs: Type) -> Type:
        x, lengths = inputs
        if x.ragged not in (0, 1) or x.shape[1 - x.ragged] != rows_of(x.shape[x.ragged]):
            raise TypeRuleError("wants a sequence [B, T, ...] or [T, B, ...]")
        one_each(lengths, x.shape[1 - x.ragged])
        return x.with_pad(self.fill)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return apply(Mask("zero"), cotangent, node.inputs[1]), None


@dataclass(frozen=True)
class Lengths(Op):
    """How many real positions a row has along a ragged dimension: lengths: i64[B] -> [B]"""

    dim: Dim
    dtype: Dtype

    def infer(self, *inputs: Type) -> Type:
        if not is_ragged(self.dim):
            raise TypeRuleError(f"{self.dim} is the same for every row")
        one_each(inputs[0], rows_of(self.dim))
        return Type(self.dtype, inputs[0].shape)


@dataclass(frozen=True)
class TakePosition(Op):
    """One position of each row. x: [B, T, D], positions: i64[B] (each a real one) -> [B, D]"""

    def infer(self, *inputs: Type) -> Type:
        x, positions = inputs
        if x.rank != 3:
            raise TypeRuleError("wants a sequence [B, T, D]")
        one_each(positions, x.shape[0])
        return Type(x.dtype, (x.shape[0], x.shape[2]))

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (inputs[1],)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, positions = node.inputs
        return apply(PutPosition(x.type.shape[1]), cotangent, positions), None


@dataclass(frozen=True)
class PutPosition(Op):
    """The adjoint of TakePosition: each row at its position, zeros elsewhere. x: [B, D], i64[B] -> [B, size, D]"""

    size: Dim

    def infer(self, *inputs: Type) -> Type:
        x, positions = inputs
        if x.rank != 2:
            raise TypeRuleError("wants rows [B, D]")
        one_each(positions, x.shape[0])
        return Type(x.dtype, (x.shape[0], self.size, x.shape[1])).with_pad("zero")

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (inputs[1],)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return apply(TakePosition(), cotangent, node.inputs[1]), None


@dataclass(frozen=True)
class PutLast(Op):
    """A sequence with the last real position of each row exchanged: what grows by one position, in one memory.

    past: [B, T, D], last: [B, 1, D], both finite, lengths: i64[B] -> [B, T, D]
    """

    def infer(self, *inputs: Type) -> Type:
        past, last, lengths = inputs
        if past.rank != 3 or past.ragged != 1 or past.pad not in ("zero", "finite"):
            raise TypeRuleError("wants a sequence [B, T, D] whose padding is finite")
        if last.shape != (past.shape[0], 1, past.shape[2]) or last.dtype != past.dtype:
            raise TypeRuleError(f"wants one position [{past.shape[0]}, 1, {past.shape[2]}]")
        one_each(lengths, past.shape[0])
        return past.with_pad("finite")

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (inputs[2],)
