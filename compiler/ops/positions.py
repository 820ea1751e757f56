"""Where in its sequence a position stands: a vector for each place, the same for every row of the batch, [1, T, D]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import Dim, Dtype, Type, TypeRuleError, elements, is_ragged


@dataclass(frozen=True)
class Sinusoid(Op):
    """sin(t / 10000^(2i / width)) in column 2i of position t, the cosine of the same in column 2i + 1.

    -> [1, length, width]. Source: Vaswani et al. 2017, 3.5; t counts from 0.
    """

    length: Dim
    width: int
    dtype: Dtype

    def infer(self, *inputs: Type) -> Type:
        if inputs or self.width < 1:
            raise TypeRuleError("wants a width of at least 1, and no operands")
        return Type(self.dtype, (1, self.length, self.width))

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(out, sizes)


@dataclass(frozen=True)
class TakeFirst(Op):
    """The first rows of a table, one for each position: [N, D] -> [1, length, D]; zeros where it has no more."""

    length: Dim

    def infer(self, *inputs: Type) -> Type:
        (table,) = inputs
        if table.rank != 2 or is_ragged(table.shape[0]) or table.rows is not None:
            raise TypeRuleError("wants a table [N, D]")
        return Type(table.dtype, (1, self.length, table.shape[1]))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(PutFirst(node.inputs[0].type.shape[0]), cotangent),)


@dataclass(frozen=True)
class PutFirst(Op):
    """The adjoint of TakeFirst: [1, T, D], 0 in its padding -> [size, D]; zeros past the positions."""

    size: Dim

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        if x.rank != 3 or x.shape[0] != 1 or (x.ragged is not None and x.pad != "zero"):
            raise TypeRuleError("wants a vector for each position [1, T, D], 0 in the padding")
        return Type(x.dtype, (self.size, x.shape[2]))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(TakeFirst(node.inputs[0].type.shape[1]), cotangent),)


@dataclass(frozen=True)
class SinusoidAt(Op):
    """A row of Sinusoid for each place, which counts from 0: i64[*S] -> [*S, width]."""

    width: int
    dtype: Dtype

    def infer(self, *inputs: Type) -> Type:
        (places,) = inputs
        if places.dtype != "i64" or self.width < 1:
            raise TypeRuleError("wants whole numbers, and a width of at least 1")
        return Type(self.dtype, (*places.shape, self.width)).with_pad("finite")

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(out, sizes)
