"""Functions of a row without gaps: its sum, its largest, the powers of its numbers. Partial results are vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

Number: TypeAlias = Any
Function: TypeAlias = Callable[..., Any]

STACK = 256
"""Numbers of which a kernel may have so many on its stack."""

REORDERED: dict[str, Any] = {
    "nogil": True, "forceinline": True, "fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy",
}  # fmt: skip
"""A sum may be taken in any order."""


def _stack(kind: Any) -> Function:
    @intrinsic
    def stack(_: Any) -> Any:
        """The address of STACK numbers, for as long as the kernel runs."""

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            with builder.goto_entry_block():
                room = builder.alloca(context.get_value_type(kind), STACK)
                room.align = 64
            return builder.ptrtoint(room, ir.IntType(64))

        return numba.types.int64(), generated

    return stack


@intrinsic
def _larger(_: Any, x: Any, y: Any) -> Any:
    """The larger of two, NaN where one is: as LLVM knows it, so that it may be taken in any order."""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = arguments[0].type
        suffix = "f32" if isinstance(kind, ir.FloatType) else "f64"
        function = builder.module.globals.get(f"llvm.maximum.{suffix}")
        if function is None:
            function = ir.Function(builder.module, ir.FunctionType(kind, [kind, kind]), f"llvm.maximum.{suffix}")
        return builder.call(function, arguments)

    return x(x, x), generated


def _of_width(f: Any, kind: Any, view: Function, exp: Function) -> dict[str, Function]:
    larger = _larger

    @numba.njit(**REORDERED)
    def total(address: Number, n: Number) -> Number:
        row = view(address, n)
        found = f(0)
        for j in range(n):
            found += row[j]
        return found

    @numba.njit(**REORDERED)
    def product_sum(address: Number, other: Number, n: Number) -> Number:
        x, y = view(address, n), view(other, n)
        found = f(0)
        for j in range(n):
            found += x[j] * y[j]
        return found

    @numba.njit(**REORDERED)
    def largest(address: Number, n: Number) -> Number:
        row = view(address, n)
        found = f(-np.inf)
        for j in range(n):
            found = larger(found, row[j])
        return found

    @numba.njit(**REORDERED)
    def powers(address: Number, out: Number, n: Number, base: Number) -> Number:
        """Writes exp(x - base), and gives their sum. out may be address."""
        x, y = view(address, n), view(out, n)
        found = f(0)
        for j in range(n):
            power = exp(x[j] - base)
            y[j] = power
            found += power
        return found

    @numba.njit(**REORDERED)
    def power_sum(address: Number, n: Number, base: Number) -> Number:
        row = view(address, n)
        found = f(0)
        for j in range(n):
            found += exp(row[j] - base)
        return found

    return {
        "total": total, "product_sum": product_sum, "largest": largest, "powers": powers, "power_sum": power_sum,
        "stack": _stack(kind),
    }  # fmt: skip


def row_functions(known: dict[str, Any]) -> dict[str, Any]:
    """known: the functions of numbers, by name"""
    found: dict[str, Any] = {}
    for name, f, kind in (("f32", np.float32, numba.types.float32), ("f64", np.float64, numba.types.float64)):
        for of, function in _of_width(f, kind, known[name], known[f"exp_{name}"]).items():
            found[f"{of}_{name}"] = function
    return found | {"stack_u64": _stack(numba.types.uint64)}
