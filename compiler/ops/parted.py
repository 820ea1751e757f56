"""Sums over many rows in parts, one for each of several threads, for compiled kernels: their sum is that of all.

Part i begins at row i * rows // parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from compiler.ir.graph import Op
from compiler.ir.types import Type
from compiler.ops.product import Outer
from compiler.ops.reduction import Sum


@dataclass(frozen=True)
class OuterParts(Op):
    """`Outer` of each part. x: [*S, n], y: [*S, m] -> [parts, n, m]"""

    parts: int

    def infer(self, *inputs: Type) -> Type:
        whole = Outer().infer(*inputs)
        return whole.with_shape((self.parts, *whole.shape))

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return Outer().flops(inputs, out, sizes)


@dataclass(frozen=True)
class SumParts(Op):
    """`Sum` of the rows of each part. x: [*S, n] -> [parts, n]"""

    parts: int

    def infer(self, *inputs: Type) -> Type:
        (x,) = inputs
        whole = Sum(tuple(range(x.rank - 1))).infer(x)
        return whole.with_shape((self.parts, *whole.shape))

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return Sum(tuple(range(inputs[0].rank - 1))).flops(inputs, out, sizes)
