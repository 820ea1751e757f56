"""Randomness inside the graph: counter-based, so that no pass and no resume can shift a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.ir.graph import Op
from compiler.ir.types import Dim, Dtype, Type, TypeRuleError, elements


@dataclass(frozen=True)
class DropoutMask(Op):
    """0 with probability p, else 1 / (1 - p): drawn by seed, site and step alone.

    seed, step: i64[] -> shape. site numbers the dropout layers of a model, so that no two draw the same.
    """

    p: float
    site: int
    shape: tuple[Dim, ...]
    dtype: Dtype

    def infer(self, *inputs: Type) -> Type:
        if any(t.dtype != "i64" or t.shape != () for t in inputs) or len(inputs) != 2:
            raise TypeRuleError("wants a seed and a step, i64[]")
        if not 0 <= self.p < 1:
            raise TypeRuleError("wants 0 <= p < 1")
        return Type(self.dtype, self.shape)

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        # The draws are f32 whatever the result is, so that the same elements are dropped.
        return () if self.dtype == "f32" else (Type("f32", self.shape),)

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(out, sizes)
