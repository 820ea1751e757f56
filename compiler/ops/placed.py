"""Rows of a table at the places of a text, and what comes back from there: for compiled kernels.

The places are those of `Places`; an id of 0 stands behind the rows, where zeros are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.ir.graph import Op
from compiler.ir.types import Type, TypeRuleError, elements


def _placed(rows: Type, places: Type) -> int:
    """How wide the rows are."""
    if rows.rows is None or rows.rank != 2 or not isinstance(rows.shape[1], int) or places.dtype != "i64":
        raise TypeRuleError("wants the rows of a table, and places among them")
    return rows.shape[1]


@dataclass(frozen=True)
class AtPlaces(Op):
    """rows: [V, F] by rows, places: i64[*S] -> [*S, F]. zero: whether places in the padding are those of id 0"""

    zero: bool = False

    def infer(self, *inputs: Type) -> Type:
        rows, places = inputs
        return Type(rows.dtype, (*places.shape, _placed(rows, places))).with_pad("zero" if self.zero else "finite")


@dataclass(frozen=True)
class AddPlaces(Op):
    """The gradient of AtPlaces. x: [*S, F], places: i64[*S], like: [V, D] by rows -> [V, F] by like's rows

    What stands at the places of id 0 is nobody's.
    """

    def infer(self, *inputs: Type) -> Type:
        x, places, like = inputs
        _placed(like, places)
        if x.shape[:-1] != places.shape or x.dtype != like.dtype:
            raise TypeRuleError("wants a row for each place")
        return Type(x.dtype, (like.shape[0], x.shape[-1]), rows=like.rows)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(inputs[0], sizes)
