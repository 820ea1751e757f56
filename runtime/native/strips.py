"""Strips of a row: vectors side by side that stay in registers while a loop goes on. In a kernel a strip is one value.

A word vector is a strip or a few. columns: about how wide rows are, a number in the kernel's text; n: so many numbers
of the row are left. What lies behind them is not touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba.extending import intrinsic

from runtime.native.vectors import Function, Vector, called

MOST = 8
"""Vectors of a strip: half the registers of a processor that has few."""


def strip_functions(of: Vector) -> dict[str, Function]:
    long = numba.types.int64

    def strip_of(columns: Any) -> Any:
        """As few strips as there can be, and these no wider than they have to."""
        if not isinstance(columns, numba.types.IntegerLiteral):
            return None
        vectors = -(-columns.literal_value // of.lanes)
        return numba.types.UniTuple(of, -(-vectors // -(-vectors // MOST)))

    def each(builder: Any, count: int, address: Any, n: Any, change: Callable[[int, Any, Any], Any]) -> list[Any]:
        """change(i, its address, so many of its lanes are numbers of the row), of each vector"""
        found: list[Any] = []
        for i in range(count):
            place = builder.add(address, ir.IntType(64)(i * of.lanes * of.size))
            found.append(change(i, place, builder.sub(n, ir.IntType(64)(i * of.lanes))))
        return found

    def part(builder: Any, value: Any, i: int) -> Any:
        return builder.extract_value(value, i)

    def plus_product(builder: Any, x: Any, y: Any, z: Any) -> Any:
        return called(builder, f"llvm.fmuladd.{of.named}", of.vector, [x, y, z])

    @intrinsic(prefer_literal=True)
    def strip_width(_: Any, columns: Any) -> Any:
        """How many numbers a strip has."""
        strip = strip_of(columns)
        if strip is None:
            return None
        return long(columns), lambda context, builder, signature, arguments: ir.IntType(64)(strip.count * of.lanes)

    @intrinsic(prefer_literal=True)
    def zero_strip(_: Any, columns: Any) -> Any:
        strip = strip_of(columns)
        if strip is None:
            return None

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return context.make_tuple(builder, strip, [of.zeros] * strip.count)

        return strip(columns), generated

    @intrinsic(prefer_literal=True)
    def load_strip(_: Any, address: Any, n: Any, columns: Any) -> Any:
        strip = strip_of(columns)
        if strip is None:
            return None

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            address, n, _ = arguments
            found = each(builder, strip.count, address, n, lambda _, place, n: of.load(builder, place, n))
            return context.make_tuple(builder, strip, found)

        return strip(long, long, columns), generated

    @intrinsic
    def store_strip(_: Any, address: Any, x: Any, n: Any) -> Any:
        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            address, given, n = arguments
            each(builder, x.count, address, n, lambda i, place, n: of.store(builder, place, part(builder, given, i), n))
            return context.get_dummy_value()

        return numba.types.none(long, x, long), generated

    @intrinsic
    def plus_row(_: Any, x: Any, address: Any, times: Any, n: Any) -> Any:
        """x + times * the row at the address"""

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            given, address, times, n = arguments
            spread = of.each(builder, times)

            def added(i: int, place: Any, n: Any) -> Any:
                return plus_product(builder, of.load(builder, place, n), spread, part(builder, given, i))

            return context.make_tuple(builder, x, each(builder, x.count, address, n, added))

        return x(x, long, of.kind, long), generated

    @intrinsic
    def add_to_row(_: Any, address: Any, x: Any, times: Any, n: Any) -> Any:
        """To the row at the address is added times * x."""

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            address, given, times, n = arguments
            spread = of.each(builder, times)

            def add(i: int, place: Any, n: Any) -> None:
                y = plus_product(builder, part(builder, given, i), spread, of.load(builder, place, n))
                of.store(builder, place, y, n)

            each(builder, x.count, address, n, add)
            return context.get_dummy_value()

        return numba.types.none(long, x, of.kind, long), generated

    @intrinsic
    def inner(_: Any, x: Any, address: Any, n: Any) -> Any:
        """The inner product of x and the row at the address."""

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            given, address, n = arguments
            sums = [of.zeros, of.zeros]

            def add(i: int, place: Any, n: Any) -> None:
                sums[i % 2] = plus_product(builder, part(builder, given, i), of.load(builder, place, n), sums[i % 2])

            each(builder, x.count, address, n, add)
            whole = builder.fadd(*sums) if x.count > 1 else sums[0]
            return called(
                builder, f"llvm.vector.reduce.fadd.{of.named}", of.number, [of.number(0), whole], ("reassoc",)
            )

        return of.kind(x, long, long), generated

    return {
        "strip_width": strip_width, "zero_strip": zero_strip, "load_strip": load_strip, "store_strip": store_strip,
        "plus_row": plus_row, "add_to_row": add_to_row, "inner": inner,
    }  # fmt: skip
