"""Arithmetic on numbers that are known before a network is built: settings, constants, sizes."""

from __future__ import annotations

from compiler.ir.types import Extent, TypeRuleError, plus, times
from compiler.signature import Value

LARGEST = 2**63
"""Numbers are computed with 64 bits; what is beyond them is refused."""


def calculate(operator: str, a: Value, b: Value) -> Value:
    """`a operator b`, exact for whole numbers; None where that is no number, or too large for one."""
    try:
        result = _calculated(operator, a, b)
    except (TypeRuleError, OverflowError):
        return None
    if isinstance(result, (int, float)) and not -LARGEST < result < LARGEST:
        return None
    return result


def _calculated(operator: str, a: Value, b: Value) -> Value:
    if isinstance(a, bool) or isinstance(b, bool):
        return None
    match a, operator, b:
        case (Extent(), "+", int() | Extent()) | (int(), "+", Extent()):
            return plus(a, b)
        case Extent(), "*", int():
            return times(a, b)
        case int(), "*", Extent():
            return times(b, a)
        case int() | float(), "+", int() | float():
            return a + b
        case int() | float(), "-", int() | float():
            return a - b
        case int() | float(), "*", int() | float():
            return a * b
        case int() | float(), "/", int() | float() if b != 0:
            return a // b if isinstance(a, int) and isinstance(b, int) and a % b == 0 else a / b
        case _:
            return None
