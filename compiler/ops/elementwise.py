"""Ops that work on each element by itself. Operands broadcast as in NumPy; dtypes must agree.

A row-sparse operand keeps its rows: it meets numbers and values of the same rows, and only ops that map 0 to 0 take it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from compiler.ir.graph import Node, Op, apply
from compiler.ir.types import DTYPES, Dtype, Pad, Type, TypeRuleError, broadcast, elements
from dsl.source import Span


@dataclass(frozen=True)
class Constant(Op):
    """A number written in the graph. hex is float.hex, so that 0.0 and -0.0 differ and every NaN equals itself."""

    hex: str
    dtype: Dtype = "f32"

    elementwise: ClassVar[bool] = True

    def infer(self, *inputs: Type) -> Type:
        return Type(self.dtype)

    @property
    def value(self) -> float:
        return float.fromhex(self.hex)


def constant(value: float, dtype: Dtype, span: Span | None = None) -> Node:
    return Node(Constant(float(value).hex(), dtype), (), Type(dtype), span)


def same_type(*inputs: Type) -> Type:
    """The type of an element-wise result, but for its padding. Raises TypeRuleError."""
    if len({t.dtype for t in inputs}) > 1:
        raise TypeRuleError("the dtypes differ")
    sparse = {t.rows for t in inputs if t.rows is not None}
    if sparse:
        if len(sparse) > 1 or any(t.rows is None and t.shape != () for t in inputs):
            raise TypeRuleError("a row-sparse value meets only numbers and values of the same rows")
        table = next(t for t in inputs if t.rows is not None)
        return Type(table.dtype, table.shape, rows=table.rows)
    return Type(inputs[0].dtype, broadcast(*(t.shape for t in inputs)))


def _floating(*inputs: Type) -> None:
    if any(t.dtype not in ("f32", "f64") for t in inputs):
        raise TypeRuleError("wants floating-point numbers")


def _worst(inputs: tuple[Type, ...]) -> Pad:
    """finite, unless an operand's padding may be infinite."""
    return "finite" if all(t.pad in ("finite", "zero") for t in inputs) else "any"


def _all_zero(inputs: tuple[Type, ...], result: Type) -> bool:
    """Whether 0 stands in the padding of every operand; one without positions is not 0 there."""
    return all(t.ragged is not None and t.pad == "zero" for t in inputs) and result.ragged is not None


@dataclass(frozen=True)
class Elementwise(Op):
    """An op of one result element from the operands' elements at that place."""

    elementwise: ClassVar[bool] = True
    keeps_zero: ClassVar[bool] = False
    """The result is 0 where all operands are 0."""
    bounded: ClassVar[bool] = True
    """The result is finite where all operands are (overflow aside)."""
    operands: ClassVar[int] = 1
    integers: ClassVar[bool] = False
    """Takes i64 too."""

    def infer(self, *inputs: Type) -> Type:
        if len(inputs) != self.operands:
            raise TypeRuleError("wants another number of operands")
        if not (self.integers and all(t.dtype == "i64" for t in inputs)):
            _floating(*inputs)
        result = same_type(*inputs)
        if result.rows is not None and not self.keeps_zero:
            raise TypeRuleError("does not keep zero rows zero")
        if self.keeps_zero and _all_zero(inputs, result):
            return result.with_pad("zero")
        return result.with_pad(_worst(inputs) if self.bounded else "any")

    def flops(self, inputs: tuple[Type, ...], out: Type, sizes: Mapping[str, int]) -> int:
        return elements(out, sizes)


@dataclass(frozen=True)
class Binary(Elementwise):
    """An op of two operands that broadcast."""

    operands: ClassVar[int] = 2


@dataclass(frozen=True)
class Neg(Elementwise):
    """-x"""

    keeps_zero: ClassVar[bool] = True

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(Neg(), cotangent),)


@dataclass(frozen=True)
class Exp(Elementwise):
    """e to the x"""

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(Mul(), cotangent, node),)


@dataclass(frozen=True)
class Log(Elementwise):
    """The natural logarithm; -inf at 0, NaN below."""

    bounded: ClassVar[bool] = False

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(Div(), cotangent, node.inputs[0]),)


@dataclass(frozen=True)
class Sqrt(Elementwise):
    """The square root; NaN below 0. Its gradient at 0 is infinite."""

    keeps_zero: ClassVar[bool] = True
    bounded: ClassVar[bool] = False

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        half = apply(Mul(), cotangent, constant(0.5, node.type.dtype))
        return (apply(Div(), half, node),)


@dataclass(frozen=True)
class Tanh(Elementwise):
    """The hyperbolic tangent"""

    keeps_zero: ClassVar[bool] = True

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        slope = apply(Sub(), constant(1.0, node.type.dtype), apply(Mul(), node, node))
        return (apply(Mul(), cotangent, slope),)


@dataclass(frozen=True)
class Sigmoid(Elementwise):
    """1 / (1 + exp(-x)), without overflow at either end."""

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        slope = apply(Mul(), node, apply(Sub(), constant(1.0, node.type.dtype), node))
        return (apply(Mul(), cotangent, slope),)


@dataclass(frozen=True)
class Softplus(Elementwise):
    """log(1 + exp(x)), without overflow."""

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(Mul(), cotangent, apply(Sigmoid(), node.inputs[0])),)


@dataclass(frozen=True)
class Relu(Elementwise):
    """max(x, 0). The gradient at 0 is 0."""

    keeps_zero: ClassVar[bool] = True

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        # The result tells as well as x where the slope is 1, and so x need not be kept.
        return (apply(Keep(), apply(Greater(), node, constant(0.0, node.type.dtype)), cotangent),)


@dataclass(frozen=True)
class Erf(Elementwise):
    """The error function, 2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x."""

    keeps_zero: ClassVar[bool] = True

    def scratch(self, *inputs: Type) -> tuple[Type, ...]:
        x = inputs[0]
        return x, x, x, x, x.with_dtype("bool")

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x = node.inputs[0]
        bell = apply(Exp(), apply(Neg(), apply(Mul(), x, x)))
        return (apply(Mul(), cotangent, apply(Mul(), bell, constant(2 / math.sqrt(math.pi), node.type.dtype))),)


@dataclass(frozen=True)
class Abs(Elementwise):
    """|x|. The gradient at 0 is 0."""

    keeps_zero: ClassVar[bool] = True

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return (apply(Mul(), cotangent, apply(Sign(), node.inputs[0])),)


@dataclass(frozen=True)
class Sign(Elementwise):
    """-1, 0 or 1. Its gradient is 0 everywhere."""

    keeps_zero: ClassVar[bool] = True


@dataclass(frozen=True)
class Add(Binary):
    """x + y"""

    integers: ClassVar[bool] = True
    keeps_zero: ClassVar[bool] = True

    def infer(self, *inputs: Type) -> Type:
        if any(t.rows is not None for t in inputs) and any(t.rows is None for t in inputs):
            raise TypeRuleError("a number added to a row-sparse value would fill its zero rows")
        return super().infer(*inputs)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return cotangent, cotangent


@dataclass(frozen=True)
class Sub(Binary):
    """x - y"""

    integers: ClassVar[bool] = True
    keeps_zero: ClassVar[bool] = True

    def infer(self, *inputs: Type) -> Type:
        if any(t.rows is not None for t in inputs) and any(t.rows is None for t in inputs):
            raise TypeRuleError("a number taken from a row-sparse value would fill its zero rows")
        return super().infer(*inputs)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return cotangent, apply(Neg(), cotangent)


@dataclass(frozen=True)
class Mul(Binary):
    """x * y"""

    integers: ClassVar[bool] = True
    keeps_zero: ClassVar[bool] = True

    def infer(self, *inputs: Type) -> Type:
        result = super().infer(*inputs)
        zero = any(t.pad == "zero" and t.ragged is not None for t in inputs)
        # 0 * inf is NaN, so a zero alone is not enough.
        return result.with_pad("zero") if zero and _worst(inputs) == "finite" else result

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, y = node.inputs
        return apply(Mul(), cotangent, y), apply(Mul(), cotangent, x)


@dataclass(frozen=True)
class Div(Binary):
    """x / y"""

    bounded: ClassVar[bool] = False
    keeps_zero: ClassVar[bool] = False

    def infer(self, *inputs: Type) -> Type:
        x, y = inputs
        if x.rows is not None and y.rows in (None, x.rows):
            # Rows that are not named are 0 and stay so; what 0 / 0 leaves in the room kept for them is not read.
            _floating(*inputs)
            return same_type(*inputs)
        return super().infer(*inputs)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        y = node.inputs[1]
        by_x = apply(Div(), cotangent, y)
        return by_x, apply(Neg(), apply(Mul(), by_x, node))


@dataclass(frozen=True)
class Maximum(Binary):
    """The larger of x and y. Where they are equal, the gradient is x's."""

    integers: ClassVar[bool] = True
    keeps_zero: ClassVar[bool] = True

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, y = node.inputs
        second = apply(Greater(), y, x)
        return apply(Keep(negated=True), second, cotangent), apply(Keep(), second, cotangent)


@dataclass(frozen=True)
class Minimum(Binary):
    """The smaller of x and y. Where they are equal, the gradient is x's."""

    integers: ClassVar[bool] = True
    keeps_zero: ClassVar[bool] = True

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        x, y = node.inputs
        second = apply(Greater(), x, y)
        return apply(Keep(negated=True), second, cotangent), apply(Keep(), second, cotangent)


def _compared(x: Type, y: Type) -> Type:
    if x.rows is not None or y.rows is not None:
        # What holds between zeros need not be false, and rows that are not named are zeros.
        raise TypeRuleError("a row-sparse value is compared only when it is written out")
    return same_type(x, y).with_dtype("bool")


@dataclass(frozen=True)
class Greater(Binary):
    """x > y, as bool; false where either is NaN."""

    def infer(self, *inputs: Type) -> Type:
        return _compared(*inputs)


@dataclass(frozen=True)
class Equal(Binary):
    """x == y, as bool; false where either is NaN."""

    def infer(self, *inputs: Type) -> Type:
        return _compared(*inputs)


@dataclass(frozen=True)
class Select(Elementwise):
    """x where the condition holds, else y. What is not chosen never shows, be it NaN."""

    def infer(self, *inputs: Type) -> Type:
        condition, x, y = inputs
        if condition.dtype != "bool":
            raise TypeRuleError("the condition is not bool")
        if x.dtype != y.dtype or any(t.rows is not None for t in inputs):
            raise TypeRuleError("wants two dense values of one dtype")
        return Type(x.dtype, broadcast(condition.shape, x.shape, y.shape)).with_pad(_worst((x, y)))

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        condition = node.inputs[0]
        return None, apply(Keep(), condition, cotangent), apply(Keep(negated=True), condition, cotangent)


@dataclass(frozen=True)
class Keep(Elementwise):
    """x where the condition holds (negated: where it does not), else 0; NaN that is not kept does not show."""

    negated: bool = False

    def infer(self, *inputs: Type) -> Type:
        condition, x = inputs
        if condition.dtype != "bool":
            raise TypeRuleError("the condition is not bool")
        if condition.rows is not None or x.rows is not None:
            raise TypeRuleError("wants a dense value")
        _floating(x)
        result = Type(x.dtype, broadcast(condition.shape, x.shape))
        # 0 takes some places of a padding of minus infinity.
        pad: Pad = "any" if x.pad == "lowest" else x.pad
        return result.with_pad(pad if x.ragged is not None else "finite")

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        return None, apply(self, node.inputs[0], cotangent)


@dataclass(frozen=True)
class Cast(Elementwise):
    """x in another dtype; bool gives 0 and 1."""

    dtype: Dtype

    def infer(self, *inputs: Type) -> Type:
        if self.dtype not in DTYPES:
            raise TypeRuleError(f"there is no dtype {self.dtype}")
        (x,) = inputs
        to_float = self.dtype in ("f32", "f64")
        return x.with_dtype(self.dtype).with_pad("any" if x.pad == "lowest" and not to_float else x.pad)

    def gradient(self, node: Node, cotangent: Node) -> tuple[Node | None, ...]:
        before = node.inputs[0].type.dtype
        return (apply(Cast(before), cotangent) if before in ("f32", "f64") else None,)
