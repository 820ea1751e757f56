"""A group of element-wise ops as one: its inner values never reach memory as whole arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from compiler.ir.graph import Node, Op
from compiler.ir.types import Type, TypeRuleError

Step: TypeAlias = tuple[Op, tuple[int, ...]]
"""An element-wise op and its operands: i below the number of inputs is an input, from there on an earlier step."""


@dataclass(frozen=True)
class Fused(Op):
    """steps in order; the last one is the result, and the only one with the result's shape that is seen outside."""

    steps: tuple[Step, ...]

    elementwise: ClassVar[bool] = True

    def infer(self, *inputs: Type) -> Type:
        return self.step_types(*inputs)[-1]

    def step_types(self, *inputs: Type) -> tuple[Type, ...]:
        """The type of every step's value."""
        values = list(inputs)
        for op, operands in self.steps:
            if not op.elementwise or any(i >= len(values) for i in operands):
                raise TypeRuleError("wants element-wise steps that read inputs and earlier steps")
            values.append(op.infer(*(values[i] for i in operands)))
        return tuple(values[len(inputs) :])

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        raise TypeRuleError("fusion comes after differentiation")

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        types = list(inputs) + list(self.step_types(*inputs))
        start = len(inputs)
        return sum(
            op.flops(tuple(types[i] for i in operands), types[start + n], sizes)
            for n, (op, operands) in enumerate(self.steps)
        )
