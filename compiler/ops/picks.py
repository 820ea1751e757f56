"""Products with `PutPicks` without its rows, which are zeros but for a number for each pick: for compiled kernels.

A pick is a position of a text; its taps are those of the window that begins there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from compiler.ir.graph import Op
from compiler.ir.types import Type, TypeRuleError, elements, times, value_of
from compiler.ops.distinct import MatMulRows, OuterRows, PutPicks

Operand = TypeVar("Operand")


@dataclass(frozen=True)
class _Picked(Op):
    size: int
    dilation: int = 1
    before: int = 0

    def put(self, x: Type, picks: Type, places: Type, rows: Type) -> Type:
        return PutPicks(self.size, self.dilation, self.before).infer(x, picks, places, rows)

    def work_space(self, x: Type, rows: Type) -> Type:
        """A row for each tap of each feature."""
        return Type(x.dtype, (times(x.shape[1], self.size), rows.shape[1]))


@dataclass(frozen=True)
class PicksOuter(_Picked):
    """outer_rows(rows, put_picks(x, picks, places, rows)) -> [D, size * F]

    rows: [V, D] by rows [B, T], x: [B, F], picks: i64[B, F], places: i64[B, T]
    """

    def infer(self, *inputs: Type) -> Type:
        rows, *picked = inputs
        return OuterRows().infer(rows, self.put(*_three(picked), rows))

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (self.work_space(inputs[1], inputs[0]),)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 2 * elements(inputs[1], sizes) * self.size * value_of(inputs[0].shape[1], sizes)


@dataclass(frozen=True)
class PicksMatMul(_Picked):
    """matmul_rows(put_picks(x, picks, places, rows), w, transposed) -> [V, D] by rows [B, T]

    x: [B, F], picks: i64[B, F], places: i64[B, T], rows: [V, D] by rows [B, T], w: [D, size * F]; perhaps one more,
    as the result, to which it is added
    """

    def infer(self, *inputs: Type) -> Type:
        *picked, rows, w = inputs[:5]
        out = MatMulRows(transposed=True).infer(self.put(*_three(picked), rows), w)
        if any(onto != out for onto in inputs[5:]):
            raise TypeRuleError("adds to rows of the same table")
        return out

    def onto(self, inputs: Sequence[Operand]) -> Operand | None:
        """Of the operands that which the product is added to."""
        return inputs[5] if len(inputs) > 5 else None

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (self.work_space(inputs[0], inputs[3]),)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 2 * elements(inputs[0], sizes) * self.size * value_of(inputs[3].shape[1], sizes)


def _three(picked: list[Type]) -> tuple[Type, Type, Type]:
    if len(picked) != 3:
        raise TypeRuleError("wants numbers, positions and places")
    return picked[0], picked[1], picked[2]
