"""Products with the rows of a table that ids name, without a copy of these rows: for compiled kernels.

Of each example some rows are looked up: those of the words of a bag, of an answer and of what is drawn against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.ir.graph import Op
from compiler.ir.types import Dim, Type, TypeRuleError, elements
from compiler.ops.elementwise import Mul
from compiler.ops.lookup import AddRows, Gather, ScatterRows
from compiler.ops.reduction import Sum
from compiler.ops.shape import Broadcast, Reshape


@dataclass(frozen=True)
class GatherDot(Op):
    """sum(mul(gather(table, ids), x[:, None]), 2), each row times its example's vector.

    table: [V, D], ids: i64[B, L], x: [B, D] -> [B, L]
    """

    def infer(self, *inputs: Type) -> Type:
        table, ids, x = inputs
        return Sum((2,)).infer(Mul().infer(_looked_up(table, ids), _across(x, ids)))

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 2 * elements(out, sizes) * elements(inputs[2].with_shape(inputs[2].shape[1:]), sizes)


@dataclass(frozen=True)
class GatherSum(Op):
    """sum(mul(gather(table, ids), by[:, :, None]), 1), of each example the sum of its rows; without by as they are.

    table: [V, D], ids: i64[B, L], perhaps by: [B, L] -> [B, D]
    """

    def infer(self, *inputs: Type) -> Type:
        table, ids, *by = inputs
        rows = _looked_up(table, ids)
        return Sum((1,)).infer(Mul().infer(rows, _along(by[0], ids)) if by else rows)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return (len(inputs) - 1) * elements(_looked_up(*inputs[:2]), sizes)


@dataclass(frozen=True)
class ScatterOuter(Op):
    """scatter_rows(ids, mul(by[:, :, None], x[:, None])), the gradient of `GatherSum`; without by x for each id.

    ids: i64[B, L], x: [B, D], perhaps by: [B, L] -> [size, D], rows [B, L]
    """

    size: Dim

    def infer(self, *inputs: Type) -> Type:
        ids, x, *by = inputs
        one = _across(x, ids)
        rows = Mul().infer(_along(by[0], ids), one) if by else Broadcast((*ids.shape, x.shape[1])).infer(one)
        return ScatterRows(self.size).infer(ids, rows)

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (inputs[0], *ScatterRows(self.size).scratch(*inputs))

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        ids, x, *by = inputs
        return (1 + len(by)) * elements(ids.with_shape((*ids.shape, x.shape[1])), sizes)


@dataclass(frozen=True)
class AddOuter(Op):
    """add_rows(table, mul(scatter_outer(ids, x, by), scale)), a step of the rows that ids name; id 0 names none.

    Few rows of an id may be added one by one, which rounds otherwise.

    table: [V, D], ids: i64[B, L], x: [B, D], scale: [], perhaps by: [B, L] -> [V, D]
    """

    def infer(self, *inputs: Type) -> Type:
        table, ids, x, scale, *by = inputs
        return AddRows().infer(table, Mul().infer(ScatterOuter(table.shape[0]).infer(ids, x, *by), scale))

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        table, ids, *_ = inputs
        return ids, Type("i64", table.shape[:1]), Type(table.dtype, (*ids.shape, table.shape[1]))

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 2 * elements(_looked_up(*inputs[:2]), sizes)


def _looked_up(table: Type, ids: Type) -> Type:
    if table.rank != 2 or ids.rank != 2:
        raise TypeRuleError("wants a table of vectors, and some ids of each example")
    return Gather().infer(table, ids)


def _across(x: Type, ids: Type) -> Type:
    """[B, 1, D]"""
    if x.rank != 2 or ids.rank != 2 or x.shape[0] != ids.shape[0]:
        raise TypeRuleError("wants a vector of each example")
    return Reshape((x.shape[0], 1, x.shape[1])).infer(x)


def _along(by: Type, ids: Type) -> Type:
    """[B, L, 1]"""
    if by.shape != ids.shape:
        raise TypeRuleError("wants a number for each id")
    return Reshape((*by.shape, 1)).infer(by)
