"""Work on the distinct rows that a batch looks up, each once, instead of on a row for every position.

The rows are a row-sparse value. All row-sparse values of the same ids hold the same rows in the same places: in rising
order of the ids, id 0 left out, zeros behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.ir.graph import Op
from compiler.ir.types import Dim, Type, TypeRuleError, elements, times, value_of
from compiler.ops.shape import Windows


def _table(type: Type) -> tuple[int, tuple[Dim, ...]]:
    """The width of a row-sparse table and the shape of its ids. Raises TypeRuleError for anything else."""
    if type.rows is None or type.rank != 2 or not isinstance(type.shape[1], int):
        raise TypeRuleError("wants the rows of a table")
    return type.shape[1], type.rows


@dataclass(frozen=True)
class DistinctRows(Op):
    """The rows of a table that ids name, each once. table: [V, D], ids: i64[*S] -> [V, D] by rows S"""

    def infer(self, *inputs: Type) -> Type:
        table, ids = inputs
        if table.rank != 2 or table.rows is not None or ids.dtype != "i64":
            raise TypeRuleError("wants a table and ids")
        return Type(table.dtype, table.shape, rows=ids.shape)

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (Type("bool", (inputs[0].shape[0],)),)


@dataclass(frozen=True)
class Places(Op):
    """Where among the rows that they name ids stand; 0 stands behind them, where zeros are.

    rows: [V, D] by rows S, ids: i64[*S] -> i64[*S]
    """

    def infer(self, *inputs: Type) -> Type:
        rows, ids = inputs
        if _table(rows)[1] != ids.shape or ids.dtype != "i64":
            raise TypeRuleError("wants rows and the ids that named them")
        return Type("i64", ids.shape)

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (Type("i64", (inputs[0].shape[0],)),)


@dataclass(frozen=True)
class MatMulRows(Op):
    """Every row of a row-sparse table times a matrix.

    x: [V, n] by rows, w: [n, m], or [m, n] when transposed -> [V, m] by rows
    """

    transposed: bool = False

    def infer(self, *inputs: Type) -> Type:
        x, w = inputs
        width, _ = _table(x)
        if w.rank != 2 or w.rows is not None or w.dtype != x.dtype:
            raise TypeRuleError("wants a matrix of the rows' dtype")
        n, m = reversed(w.shape) if self.transposed else w.shape
        if n != width:
            raise TypeRuleError(f"rows of {width} do not fit a matrix for rows of {n}")
        return Type(x.dtype, (x.shape[0], m), rows=x.rows)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 2 * elements(out, sizes) * value_of(inputs[0].shape[1], sizes)


@dataclass(frozen=True)
class OuterRows(Op):
    """The sum over all rows of x's row times y's row: a weight's gradient. x: [V, n], y: [V, m] by rows -> [n, m]"""

    def infer(self, *inputs: Type) -> Type:
        x, y = inputs
        if _table(x)[1] != _table(y)[1] or x.shape[0] != y.shape[0] or x.dtype != y.dtype:
            raise TypeRuleError("wants the same rows of each")
        return Type(x.dtype, (x.shape[1], y.shape[1]))

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return 2 * elements(inputs[0], sizes) * value_of(inputs[1].shape[1], sizes)


@dataclass(frozen=True)
class WindowSums(Op):
    """What a convolution makes of a text whose words were multiplied with the weights of each tap before.

    rows: [V, size * F] by rows [B, T], places: i64[B, T] -> [B, T', F], with T' as Windows has it, stride 1

    result[b, p] is the sum over taps t of the t-th F numbers of the row of position p + dilation t - before.
    """

    size: int
    dilation: int = 1
    before: int = 0
    after: int = 0

    def infer(self, *inputs: Type) -> Type:
        rows, places = inputs
        width, ids = _table(rows)
        if ids != places.shape or places.rank != 2 or places.dtype != "i64" or width % self.size:
            raise TypeRuleError(f"wants rows of {self.size} parts, and the places of a text [B, T] in them")
        positions = Windows(self.size, 1, self.dilation, self.before, self.after).positions(places.shape[1])
        return Type(rows.dtype, (places.shape[0], positions, width // self.size)).with_pad("finite")

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        out = self.infer(*inputs)
        return out, Type("i64", out.shape[:2])

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(out, sizes) * self.size


@dataclass(frozen=True)
class PutPicks(Op):
    """The gradient of WindowSums, where one position of each text and feature is asked for: that of the maximum.

    x: [B, F], picks: i64[B, F], places: i64[B, T], like: [V, D] by rows [B, T] -> [V, size * F] by rows [B, T]

    x[b, f] is added at feature f of each tap t, in the row of position picks[b, f] + dilation t - before.
    """

    size: int
    dilation: int = 1
    before: int = 0

    def infer(self, *inputs: Type) -> Type:
        x, picks, places, like = inputs
        _, ids = _table(like)
        if x.rank != 2 or picks.shape != x.shape or picks.dtype != "i64" or x.dtype != like.dtype:
            raise TypeRuleError("wants a number and a position for each feature")
        if ids != places.shape or places.dtype != "i64" or places.shape[:1] != x.shape[:1]:
            raise TypeRuleError("wants the places of the texts' words")
        return Type(x.dtype, (like.shape[0], times(x.shape[1], self.size)), rows=ids)

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        x = inputs[0]
        shape = (*x.shape, self.size)
        return Type("i64", shape), Type("i64", shape), Type(x.dtype, shape), Type("bool", shape)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(inputs[0], sizes) * self.size
