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


ROOM = 8192
"""Of a kernel that lays out a matrix there: 64 KiB at most."""


def stack_of(kind: Any, count: int = STACK) -> Function:
    @intrinsic
    def stack(_: Any) -> Any:
        """The address of so many numbers, for as long as the kernel runs."""

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            with builder.goto_entry_block():
                room = builder.alloca(context.get_value_type(kind), count)
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


@intrinsic
def _added(_: Any, x: Any, y: Any) -> Any:
    """x + y, a part of a sum that may be taken in any order."""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fadd(*arguments, flags=("reassoc", "nsz"))

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

    size = np.dtype(f).itemsize

    @numba.njit(**REORDERED)
    def add_taps(
        out: Number, x: Number, n: Number, weights: Number, next_weight: Number, taps: Number, apart: Number
    ) -> None:
        """y[j] += the sum over taps t of weight t times x[j], apart bytes further for each; several at a time."""
        y, t, next_weight = view(out, n), 0, next_weight * size
        while t + 5 <= taps:
            at = x + t * apart
            a, b, c, d, e = (
                view(at, n),
                view(at + apart, n),
                view(at + 2 * apart, n),
                view(at + 3 * apart, n),
                view(at + 4 * apart, n),
            )
            w = weights + t * next_weight
            w0, w1, w2 = view(w, 1)[0], view(w + next_weight, 1)[0], view(w + 2 * next_weight, 1)[0]
            w3, w4 = view(w + 3 * next_weight, 1)[0], view(w + 4 * next_weight, 1)[0]
            for j in range(n):
                y[j] += w0 * a[j] + w1 * b[j] + w2 * c[j] + w3 * d[j] + w4 * e[j]
            t += 5
        while t + 3 <= taps:
            at, w = x + t * apart, weights + t * next_weight
            a, b, c = view(at, n), view(at + apart, n), view(at + 2 * apart, n)
            w0, w1, w2 = view(w, 1)[0], view(w + next_weight, 1)[0], view(w + 2 * next_weight, 1)[0]
            for j in range(n):
                y[j] += w0 * a[j] + w1 * b[j] + w2 * c[j]
            t += 3
        while t < taps:
            a, w0 = view(x + t * apart, n), view(weights + t * next_weight, 1)[0]
            for j in range(n):
                y[j] += w0 * a[j]
            t += 1

    @numba.njit(**REORDERED)
    def tap_products(
        y: Number, x: Number, n: Number, out: Number, next_out: Number, taps: Number, apart: Number
    ) -> None:
        """To each tap's number in out is added the inner product of y and x, apart bytes further for each tap."""
        row, t, next_out = view(y, n), 0, next_out * size
        while t + 5 <= taps:
            at = x + t * apart
            a, b, c, d, e = (
                view(at, n),
                view(at + apart, n),
                view(at + 2 * apart, n),
                view(at + 3 * apart, n),
                view(at + 4 * apart, n),
            )
            s0, s1, s2, s3, s4 = f(0), f(0), f(0), f(0), f(0)
            for j in range(n):
                s0 += row[j] * a[j]
                s1 += row[j] * b[j]
                s2 += row[j] * c[j]
                s3 += row[j] * d[j]
                s4 += row[j] * e[j]
            to = out + t * next_out
            view(to, 1)[0] += s0
            view(to + next_out, 1)[0] += s1
            view(to + 2 * next_out, 1)[0] += s2
            view(to + 3 * next_out, 1)[0] += s3
            view(to + 4 * next_out, 1)[0] += s4
            t += 5
        while t < taps:
            view(out + t * next_out, 1)[0] += product_sum(y, x + t * apart, n)
            t += 1

    return {
        "add_taps": add_taps, "tap_products": tap_products, "total": total,
        "largest": largest, "powers": powers, "power_sum": power_sum, "added": _added, "stack": stack_of(kind),
        "room": stack_of(kind, ROOM),
    }  # fmt: skip


def row_functions(known: dict[str, Any]) -> dict[str, Any]:
    """known: the functions of numbers, by name"""
    found: dict[str, Any] = {}
    for name, f, kind in (("f32", np.float32, numba.types.float32), ("f64", np.float64, numba.types.float64)):
        for of, function in _of_width(f, kind, known[name], known[f"exp_{name}"]).items():
            found[f"{of}_{name}"] = function
    return found | {"stack_u64": stack_of(numba.types.uint64)}
