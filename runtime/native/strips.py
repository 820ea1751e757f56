"""Strips of a row: vectors side by side that stay in registers while a loop goes on. In a kernel a strip is one value.

A word vector is a strip or a few. n: so many numbers of the row are left; what lies behind them is not touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba.extending import intrinsic

from runtime.native.vectors import INLINE, Function, Number, Vector, called

VECTORS = 8
"""Of a strip: half the registers of a processor that has few."""


def strip_functions(of: Vector) -> dict[str, Function]:
    long, strip, numbers = numba.types.int64, numba.types.UniTuple(of, VECTORS), VECTORS * of.lanes

    def each(builder: Any, address: Any, n: Any, change: Callable[[int, Any, Any], Any]) -> list[Any]:
        """change(i, its address, so many of its lanes are numbers of the row), of each vector"""
        found: list[Any] = []
        for i in range(VECTORS):
            place = builder.add(address, ir.IntType(64)(i * of.lanes * of.size))
            found.append(change(i, place, builder.sub(n, ir.IntType(64)(i * of.lanes))))
        return found

    def part(builder: Any, value: Any, i: int) -> Any:
        return builder.extract_value(value, i)

    def plus_product(builder: Any, x: Any, y: Any, z: Any) -> Any:
        return called(builder, f"llvm.fmuladd.{of.named}", of.vector, [x, y, z])

    @numba.njit(**INLINE)
    def strip_width() -> Number:
        return numbers

    @intrinsic
    def zero_strip(_: Any) -> Any:
        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return context.make_tuple(builder, strip, [of.zeros] * VECTORS)

        return strip(), generated

    @intrinsic
    def load_strip(_: Any, address: Any, n: Any) -> Any:
        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            found = each(builder, *arguments, lambda _, place, n: of.load(builder, place, n))
            return context.make_tuple(builder, strip, found)

        return strip(long, long), generated

    @intrinsic
    def store_strip(_: Any, address: Any, x: Any, n: Any) -> Any:
        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            address, x, n = arguments
            each(builder, address, n, lambda i, place, n: of.store(builder, place, part(builder, x, i), n))
            return context.get_dummy_value()

        return numba.types.none(long, strip, long), generated

    @intrinsic
    def plus_row(_: Any, x: Any, address: Any, times: Any, n: Any) -> Any:
        """x + times * the row at the address"""

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            x, address, times, n = arguments
            spread = of.each(builder, times)

            def added(i: int, place: Any, n: Any) -> Any:
                return plus_product(builder, of.load(builder, place, n), spread, part(builder, x, i))

            return context.make_tuple(builder, strip, each(builder, address, n, added))

        return strip(strip, long, of.kind, long), generated

    @intrinsic
    def add_to_row(_: Any, address: Any, x: Any, times: Any, n: Any) -> Any:
        """To the row at the address is added times * x."""

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            address, x, times, n = arguments
            spread = of.each(builder, times)

            def add(i: int, place: Any, n: Any) -> None:
                y = plus_product(builder, part(builder, x, i), spread, of.load(builder, place, n))
                of.store(builder, place, y, n)

            each(builder, address, n, add)
            return context.get_dummy_value()

        return numba.types.none(long, strip, of.kind, long), generated

    @intrinsic
    def inner(_: Any, x: Any, address: Any, n: Any) -> Any:
        """The inner product of x and the row at the address."""

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            x, address, n = arguments
            sums = [of.zeros, of.zeros]

            def add(i: int, place: Any, n: Any) -> None:
                sums[i % 2] = plus_product(builder, part(builder, x, i), of.load(builder, place, n), sums[i % 2])

            each(builder, address, n, add)
            given = [of.number(0), builder.fadd(*sums)]
            return called(builder, f"llvm.vector.reduce.fadd.{of.named}", of.number, given, ("reassoc",))

        return of.kind(strip, long, long), generated

    return {
        "strip_width": strip_width, "zero_strip": zero_strip, "load_strip": load_strip, "store_strip": store_strip,
        "plus_row": plus_row, "add_to_row": add_to_row, "inner": inner,
    }  # fmt: skip
