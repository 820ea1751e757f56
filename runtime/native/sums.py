"""Vectors that are sums of products, several at a time, which stay in registers while a loop goes on.

In a kernel they are one value. How many they are, and how many products one call adds to each, are numbers in the
kernel's text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from runtime.native.vectors import Function, Vector, called


def _several(of: Any, count: Any) -> Any:
    return numba.types.UniTuple(of, count.literal_value)


def _starts(at: Callable[[Any, Any, Any], Any]) -> Function:
    """base + at(first), base + at(first + 1), ...: so many; from most on at(most - 1).

    at: of a builder, of what is given between base and first, and of a number
    """

    @intrinsic(prefer_literal=True)
    def starts(_: Any, base: Any, by: Any, first: Any, most: Any, count: Any) -> Any:
        if not isinstance(count, numba.types.IntegerLiteral):
            return None
        long, found = numba.types.int64, _several(numba.types.int64, count)

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            base, by, first, most, _ = arguments
            last = builder.sub(most, ir.IntType(64)(1))
            each: list[Any] = []
            for p in range(found.count):
                number = builder.add(first, ir.IntType(64)(p))
                number = builder.select(builder.icmp_signed("<", number, last), number, last)
                each.append(builder.add(base, at(builder, by, number)))
            return context.make_tuple(builder, found, each)

        return found(long, long, long, long, count), generated

    return starts


def _listed(builder: Any, table: Any, number: Any) -> Any:
    return builder.load(builder.gep(builder.inttoptr(table, ir.IntType(64).as_pointer()), [number]))


def _times(builder: Any, apart: Any, number: Any) -> Any:
    return builder.mul(number, apart)


def sum_functions(of: Vector) -> dict[str, Function]:
    long, size = numba.types.int64, of.size

    def parts(builder: Any, value: Any) -> list[Any]:
        return [builder.extract_value(value, i) for i in range(value.type.count)]

    def number(n: int) -> Any:
        return ir.IntType(64)(n)

    def spread(builder: Any, address: Any) -> Any:
        x = builder.load(builder.inttoptr(address, of.number.as_pointer()), align=size)
        return of.each(builder, x)

    @intrinsic(prefer_literal=True)
    def zeros(_: Any, count: Any) -> Any:
        if not isinstance(count, numba.types.IntegerLiteral):
            return None
        found = _several(of, count)

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return context.make_tuple(builder, found, [of.zeros] * found.count)

        return found(count), generated

    @intrinsic(prefer_literal=True)
    def add_weights(_: Any, sums: Any, starts: Any, at: Any, weights: Any, count: Any) -> Any:
        """To each sum: so many numbers, from its start and at on, times a vector of weights each."""
        if not isinstance(count, numba.types.IntegerLiteral):
            return None

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            found, places = parts(builder, arguments[0]), parts(builder, arguments[1])
            for u in range(count.literal_value):
                there = builder.add(arguments[3], number(u * of.lanes * size))
                w = builder.load(builder.inttoptr(there, of.vector.as_pointer()), align=size)
                for p, place in enumerate(places):
                    x = spread(builder, builder.add(builder.add(place, arguments[2]), number(u * size)))
                    found[p] = called(builder, f"llvm.fmuladd.{of.named}", of.vector, [x, w, found[p]])
            return context.make_tuple(builder, sums, found)

        return sums(sums, starts, long, long, count), generated

    @intrinsic
    def add_numbers(_: Any, sums: Any, starts: Any, at: Any, vector: Any) -> Any:
        """To each sum: a number times the vector. From each start, at bytes further on, there are as many numbers."""

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            found, places = parts(builder, arguments[0]), parts(builder, arguments[1])
            width = len(found) // len(places)
            for r, before in enumerate(found):
                place = builder.add(places[r // width], arguments[2])
                x = spread(builder, builder.add(place, number(r % width * size)))
                found[r] = called(builder, f"llvm.fmuladd.{of.named}", of.vector, [x, arguments[3], before])
            return context.make_tuple(builder, sums, found)

        return sums(sums, starts, long, of), generated

    @intrinsic
    def write_sums(_: Any, sums: Any, address: Any, apart: Any, count: Any, n: Any) -> Any:
        """The first n lanes of the first sums, count of them, apart bytes from one to the next."""

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _, address, apart, count, n = arguments
            for p, each in enumerate(parts(builder, arguments[0])):
                with cgutils.if_likely(builder, builder.icmp_signed("<", number(p), count)):
                    of.store(builder, builder.add(address, builder.mul(apart, number(p))), each, n)
            return context.get_dummy_value()

        return numba.types.none(sums, long, long, long, long), generated

    @intrinsic
    def add_sums(_: Any, sums: Any, base: Any, table: Any, first: Any, most: Any, n: Any) -> Any:
        """To the n numbers from base + table[first] on is added the first sum, and so on; nothing from most on."""

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _, base, table, first, most, n = arguments
            rows = builder.inttoptr(table, ir.IntType(64).as_pointer())
            for p, each in enumerate(parts(builder, arguments[0])):
                at = builder.add(first, number(p))
                with cgutils.if_likely(builder, builder.icmp_signed("<", at, most)):
                    place = builder.add(base, builder.load(builder.gep(rows, [at])))
                    of.store(builder, place, builder.fadd(of.load(builder, place, n), each), n)
            return context.get_dummy_value()

        return numba.types.none(sums, long, long, long, long, long), generated

    return {
        "zeros": zeros, "add_weights": add_weights, "add_numbers": add_numbers, "write_sums": write_sums,
        "add_sums": add_sums, "starts": _starts(_listed), "rows": _starts(_times),
    }  # fmt: skip
