"""Tables and the ids that read them. The gradient of a table is row-sparse: only the rows that a batch names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import Dim, Dtype, Type, TypeRuleError, elements
from compiler.ops.elementwise import Binary, Mul, Neg


def _ids(type: Type) -> None:
    if type.dtype != "i64":
        raise TypeRuleError("ids are i64")


def _one_shape(dense: Type, sparse: Type) -> None:
    if dense.rows is not None or sparse.rows is None or dense.shape != sparse.shape or dense.dtype != sparse.dtype:
        raise TypeRuleError("wants a dense and a row-sparse table of one shape")


@dataclass(frozen=True)
class Gather(Op):
    """The rows of a table that ids name. table: [V, *R], ids: i64[*S] -> [*S, *R].

    Row 0 is the padding's: it is zeros and no gradient reaches it.

    computed: the table is made of the batch, not learned: its row 0 need not be zeros, and its gradient is dense
    """

    computed: bool = False

    def infer(self, *inputs: Type) -> Type:
        table, ids = inputs
        _ids(ids)
        if table.rank < 1 or table.rows is not None:
            raise TypeRuleError("wants a table")
        return Type(table.dtype, ids.shape + table.shape[1:]).with_pad(
            "zero" if ids.pad == "zero" and not self.computed else "finite"
        )

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        table, ids = node.inputs
        rows = apply(ScatterRows(table.type.shape[0]), ids, cotangent)
        return apply(Dense(), rows) if self.computed else rows, None


@dataclass(frozen=True)
class ScatterRows(Op):
    """A row-sparse table of size rows: the sum, for each id but 0, of the values that stand with it.

    ids: i64[*S], values: [*S, D] -> [size, D], rows S. Where S is ragged, ids must be 0 in the padding.
    """

    size: Dim

    def infer(self, *inputs: Type) -> Type:
        ids, values = inputs
        _ids(ids)
        if values.shape[:-1] != ids.shape:
            raise TypeRuleError("wants a row of values for each id")
        if ids.ragged is not None and ids.pad != "zero":
            raise TypeRuleError("the padding would be counted: its ids must be 0")
        return Type(values.dtype, (self.size, values.shape[-1]), rows=ids.shape)

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        # Where in the result each id is, and which there are.
        return Type("i64", (self.size,)), Type("bool", (self.size,))

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(inputs[1], sizes)


@dataclass(frozen=True)
class AddRows(Op):
    """A dense table plus a row-sparse one. dense: [V, D], sparse: [V, D] by rows -> [V, D]"""

    def infer(self, *inputs: Type) -> Type:
        dense, sparse = inputs
        _one_shape(dense, sparse)
        return dense

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        sparse = inputs[1]
        assert sparse.rows is not None
        return (Type(sparse.dtype, (*sparse.rows, *sparse.shape[1:])),)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(inputs[1], sizes)


@dataclass(frozen=True)
class Dense(Op):
    """A row-sparse table written out, zeros and all."""

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        if x.rows is None:
            raise TypeRuleError("is dense already")
        return Type(x.dtype, x.shape)


@dataclass(frozen=True)
class SetRows(Op):
    """A dense table with the rows that a row-sparse one names as they are there. Both: [V, D] -> [V, D]"""

    def infer(self, *inputs: Type) -> Type:
        dense, sparse = inputs
        _one_shape(dense, sparse)
        return dense


@dataclass(frozen=True)
class StampRows(Op):
    """A number written at row 0, the padding's, and at the rows that a row-sparse table names.

    stamps: i64[V], like: [V, D] by rows, number: i64[] -> i64[V]
    """

    def infer(self, *inputs: Type) -> Type:
        stamps, like, number = inputs
        if stamps.shape != like.shape[:1] or like.rows is None or (stamps.dtype, number.dtype) != ("i64", "i64"):
            raise TypeRuleError("wants a stamp for each row, rows, and a whole number")
        if number.shape:
            raise TypeRuleError("wants one number")
        return stamps


@dataclass(frozen=True)
class DivShifted(Binary):
    """x / (y + shift), of row-sparse values too: x's rows that are not named are 0 and stay so."""

    shift: float = 1.0
    bounded: ClassVar[bool] = False
    keeps_zero: ClassVar[bool] = True

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, y = node.inputs
        return apply(self, cotangent, y), apply(Neg(), apply(Mul(), cotangent, apply(self, apply(self, x, y), y)))


@dataclass(frozen=True)
class PickRows(Op):
    """The rows of a dense table that a row-sparse one names: dense, like: [V, D] -> [V, D] by rows"""

    def infer(self, *inputs: Type) -> Type:
        dense, like = inputs
        _one_shape(dense, like)
        return like


@dataclass(frozen=True)
class OneHot(Op):
    """1 at the id, 0 elsewhere; id 0, the padding, is all zeros. ids: i64[*S] -> [*S, size]"""

    size: Dim
    dtype: Dtype

    def infer(self, *inputs: Type) -> Type:
        (ids,) = inputs
        _ids(ids)
        return Type(self.dtype, (*ids.shape, self.size)).with_pad("zero" if ids.pad == "zero" else "finite")


@dataclass(frozen=True)
class Bag(Op):
    """How often each id but 0 occurs in a row. ids: i64[B, T], 0 in the padding -> [B, size]"""

    size: Dim
    dtype: Dtype

    def infer(self, *inputs: Type) -> Type:
        (ids,) = inputs
        _ids(ids)
        if ids.rank != 2 or (ids.ragged is not None and ids.pad != "zero"):
            raise TypeRuleError("wants ids [B, T] that are 0 in the padding")
        return Type(self.dtype, (ids.shape[0], self.size))

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        return (inputs[0],)
