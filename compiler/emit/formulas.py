"""Element-wise ops as expressions of scalars: what a kernel computes for one element."""

from __future__ import annotations

import math
from collections.abc import Sequence

from compiler.ir.graph import Op
from compiler.ir.types import Dtype
from compiler.ops.elementwise import (
    Abs,
    Add,
    Cast,
    Constant,
    Div,
    Equal,
    Erf,
    Exp,
    Greater,
    Keep,
    Log,
    Maximum,
    Minimum,
    Mul,
    Neg,
    Relu,
    Select,
    Sigmoid,
    Sign,
    Softplus,
    Sqrt,
    Sub,
    Tanh,
)
from compiler.ops.lookup import DivShifted
from compiler.ops.shape import Broadcast
from compiler.plan.plan import Call, Literal, Place

INFIX: dict[type[Op], str] = {Add: "+", Sub: "-", Mul: "*", Div: "/", Greater: ">", Equal: "=="}

FUNCTIONS: dict[type[Op], str] = {
    Exp: "exp", Log: "log", Sqrt: "sqrt", Tanh: "tanh", Sigmoid: "sigmoid", Softplus: "softplus", Erf: "erf",
    Abs: "absolute", Sign: "sign", Maximum: "maximum", Minimum: "minimum", Relu: "relu",
}  # fmt: skip
"""In `runtime.native.functions`, once for each dtype: `exp_f32`."""

PASSES: dict[type[Op], int] = {
    Exp: 4,
    Log: 4,
    Tanh: 4,
    Sigmoid: 6,
    Softplus: 6,
    Erf: 60,
    Select: 2,
    Keep: 1,
    DivShifted: 2,
}
"""What a call costs NumPy, in passes over memory, where it is more than one."""

MADE: tuple[Dtype, ...] = ("f32", "f64", "bool")
READ: tuple[Dtype, ...] = ("f32", "f64", "bool", "i64")
OF_WHOLE: dict[type[Op], str] = {Maximum: "max", Minimum: "min"}
"""What whole numbers have besides sums, products and comparisons."""


def has_formula(call: Call) -> bool:
    """Whether a kernel can compute it."""
    op, out = call.op, call.out
    if isinstance(op, Constant):
        return isinstance(out, Place) and out.dtype in READ
    if any(isinstance(x, (Place, Literal)) and x.dtype == "i64" for x in call.inputs) and not isinstance(op, Cast):
        return _of_whole(call)
    known = (
        type(op) in INFIX or type(op) in FUNCTIONS or isinstance(op, (Neg, Select, Keep, Cast, Broadcast, DivShifted))
    )
    if not known or not isinstance(out, Place) or out.dtype not in MADE:
        return False
    if isinstance(op, Cast) and out.dtype == "bool":
        return False
    wanted = READ if isinstance(op, Cast) else MADE
    return all(isinstance(x, (Place, Literal)) and x.dtype in wanted for x in call.inputs)


def _of_whole(call: Call) -> bool:
    known = type(call.op) in OF_WHOLE or (type(call.op) in INFIX and not isinstance(call.op, Div))
    every = all(isinstance(x, (Place, Literal)) and x.dtype == "i64" for x in call.inputs)
    made = isinstance(call.out, Place) and call.out.dtype in ("i64", "bool")
    return every and made and (known or isinstance(call.op, Broadcast))


def passes(call: Call) -> int:
    return 2 if isinstance(call.op, Keep) and call.op.negated else PASSES.get(type(call.op), 1)


def formula(op: Op, operands: Sequence[str], dtype: Dtype, out: Dtype) -> str:
    """dtype: of the operands that are numbers; out: of the result"""
    if type(op) in INFIX:
        return f" {INFIX[type(op)]} ".join(operands)
    if dtype == "i64" and type(op) in OF_WHOLE:
        return f"{OF_WHOLE[type(op)]}({', '.join(operands)})"
    if type(op) in FUNCTIONS:
        return f"{FUNCTIONS[type(op)]}_{dtype}({', '.join(operands)})"
    match op:
        case Broadcast():
            return operands[0]
        case Constant(value=value):
            return number(Literal(value, out))
        case Neg():
            return f"-{operands[0]}"
        case DivShifted(shift=shift):
            return f"{operands[0]} / ({operands[1]} + {number(Literal(shift, dtype))})"
        case Select():
            return f"{operands[1]} if {operands[0]} else {operands[2]}"
        case Keep(negated=negated):
            zero = number(Literal(0.0, dtype))
            kept, other = (zero, operands[1]) if negated else (operands[1], zero)
            return f"{kept} if {operands[0]} else {other}"
        case _:
            assert isinstance(op, Cast)
            return f"np.float{out[1:]}({operands[0]})"


def number(literal: Literal) -> str:
    """As text of its own type: a number alone would be a float64, and all that meets it."""
    if literal.dtype == "bool":
        return str(bool(literal.value))
    value = literal.value
    if literal.dtype == "i64":
        return str(int(value))
    text = "np.nan" if math.isnan(value) else f"{'-' * (value < 0)}np.inf" if math.isinf(value) else repr(value)
    return f"np.float32({text})" if literal.dtype == "f32" else text
