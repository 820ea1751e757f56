"""How far a key stands from a query, in buckets: a number for each head and bucket, added to what attention scores.

Near ones have a bucket for each distance, farther ones share one, wider from bucket to bucket up to a distance of 128;
all that is farther is in the last. causal: all buckets are for keys that stand before the query, and bucket 0 also for
those behind it; else the second half of them is for those. Source: Raffel et al. 2020, 2.1, and the T5 that they
published.
"""

from __future__ import annotations

from dataclasses import dataclass

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import Dim, Type, TypeRuleError, columns, is_ragged


def _table(table: Type, causal: bool) -> None:
    count = table.shape[0] if table.rank == 2 else None
    if not isinstance(count, int) or is_ragged(table.shape[1]) or table.rows is not None:
        raise TypeRuleError("wants a table [buckets, heads]")
    if not fits(count, causal):
        raise TypeRuleError(f"{count} are no such buckets")


def fits(buckets: int, causal: bool) -> bool:
    """Whether there can be so many: half of those of each side are for one distance each, up to 127."""
    return (2 <= buckets < 256) if causal else (4 <= buckets < 512 and buckets % 2 == 0)


@dataclass(frozen=True)
class RelativeBias(Op):
    """What the table has for each query and key of one sequence, in each head: [N, heads] -> [1, heads, T, S].

    length: T, with S as many columns
    """

    length: Dim
    causal: bool

    def infer(self, *inputs: Type) -> Type:
        (table,) = inputs
        _table(table, self.causal)
        return Type(table.dtype, (1, table.shape[1], self.length, columns(self.length)))

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (Type("i64", (columns(self.length), columns(self.length))),)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        count = node.inputs[0].type.shape[0]
        assert isinstance(count, int)
        return (apply(RelativeSums(count, self.causal), cotangent),)


@dataclass(frozen=True)
class RelativeSums(Op):
    """The adjoint of RelativeBias, what stands in each bucket added up: [1, heads, T, S], 0 in the padding -> [size,
    heads]"""

    size: int
    causal: bool

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        if x.rank != 4 or x.shape[0] != 1 or x.shape[3] != columns(x.shape[2]):
            raise TypeRuleError("wants a number for each query and key [1, heads, T, S]")
        if x.ragged is not None and x.pad != "zero":
            raise TypeRuleError("the padding would be counted: it must be 0")
        return Type(x.dtype, (self.size, x.shape[1]))

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (Type("i64", (inputs[0].shape[3], inputs[0].shape[3])),)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(RelativeBias(node.inputs[0].type.shape[2], self.causal), cotangent),)


@dataclass(frozen=True)
class RelativeBiasAt(Op):
    """The row of RelativeBias for the place of one query in each row of the batch, which counts from 0.

    table: [N, heads], places: i64[B, 1] -> [B, heads, 1, keys]
    """

    keys: Dim
    causal: bool

    def infer(self, *inputs: Type) -> Type:
        table, places = inputs
        _table(table, self.causal)
        if places.dtype != "i64" or places.rank != 2 or places.shape[1] != 1 or is_ragged(self.keys):
            raise TypeRuleError("wants a place for each row, and a column for each key")
        return Type(table.dtype, (places.shape[0], table.shape[1], 1, self.keys))

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (Type("i64", (inputs[1].shape[0], self.keys)),)
