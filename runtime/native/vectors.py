"""Vectors of numbers as values of a kernel, for what LLVM would not find by itself.

A wide vector is a register of this processor, a narrow one has at most 8 numbers: less is lost on a few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic, models, register_model

Number: TypeAlias = Any
Function: TypeAlias = Callable[..., Any]

NARROW = 8
INLINE: dict[str, Any] = {"nogil": True, "forceinline": True, "error_model": "numpy"}


class Vector(numba.types.Type):
    """kind: the type of its numbers; size: the bytes of one"""

    def __init__(self, kind: Any, lanes: int) -> None:
        self.kind, self.lanes, self.size = kind, lanes, kind.bitwidth // 8
        self.number = ir.FloatType() if self.size == 4 else ir.DoubleType()
        self.vector = ir.VectorType(self.number, lanes)
        self.named = f"v{lanes}f{kind.bitwidth}"
        self.zeros = ir.Constant(self.vector, [0.0] * lanes)
        super().__init__(name=f"vector of {lanes} {kind}")

    def each(self, builder: Any, x: Any) -> Any:
        """The number in each lane."""
        none, index = ir.Constant(self.vector, ir.Undefined), ir.VectorType(ir.IntType(32), self.lanes)
        one = builder.insert_element(none, x, ir.IntType(32)(0))
        return builder.shuffle_vector(one, none, ir.Constant(index, [0] * self.lanes))

    def mask(self, builder: Any, n: Any) -> Any:
        """The first n lanes."""
        index = ir.VectorType(ir.IntType(32), self.lanes)
        none = ir.Constant(index, ir.Undefined)
        each = builder.insert_element(none, builder.trunc(n, ir.IntType(32)), ir.IntType(32)(0))
        each = builder.shuffle_vector(each, none, ir.Constant(index, [0] * self.lanes))
        return builder.icmp_signed("<", ir.Constant(index, [*range(self.lanes)]), each)

    def load(self, builder: Any, address: Any, n: Any) -> Any:
        """The first n lanes, zeros in the others."""
        place, align = builder.inttoptr(address, self.vector.as_pointer()), ir.IntType(32)(self.size)
        return called(
            builder, f"llvm.masked.load.{self.named}.p0", self.vector, [place, align, self.mask(builder, n), self.zeros]
        )

    def store(self, builder: Any, address: Any, x: Any, n: Any) -> None:
        place, align = builder.inttoptr(address, self.vector.as_pointer()), ir.IntType(32)(self.size)
        name = f"llvm.masked.store.{self.named}.p0"
        called(builder, name, ir.VoidType(), [x, place, align, self.mask(builder, n)])


@register_model(Vector)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, of: Vector) -> None:
        super().__init__(manager, of, of.vector)


def called(builder: Any, name: str, result: Any, given: Sequence[Any], flags: tuple[str, ...] = ()) -> Any:
    """A function that LLVM knows, of what is given. flags: what it may take for granted of numbers"""
    function = builder.module.globals.get(name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(result, [x.type for x in given]), name)
    return builder.call(function, given, fastmath=flags)


def register_bytes() -> int:
    """Of this processor's vectors."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 64
    return 32 if features.get("avx2") else 16


def _functions(of: Vector) -> dict[str, Function]:
    long = numba.types.int64

    @intrinsic
    def load(_: Any, address: Any, n: Any) -> Any:
        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return of.load(builder, *arguments)

        return of(long, long), generated

    @intrinsic
    def store(_: Any, address: Any, x: Any, n: Any) -> Any:
        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            of.store(builder, *arguments)
            return context.get_dummy_value()

        return numba.types.none(long, of, long), generated

    @intrinsic
    def plus(_: Any, x: Any, y: Any) -> Any:
        return of(of, of), lambda context, builder, signature, arguments: builder.fadd(*arguments)

    @intrinsic
    def larger(_: Any, x: Any, y: Any) -> Any:
        """NaN where one is."""

        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return called(builder, f"llvm.maximum.{of.named}", of.vector, arguments)

        return of(of, of), generated

    def where(same: bool) -> Function:
        @intrinsic
        def function(_: Any, x: Any, y: Any, z: Any) -> Any:
            def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
                x, y, z = arguments
                return builder.select(builder.fcmp_ordered("==", x, y), *((z, of.zeros) if same else (of.zeros, z)))

            return of(of, of, of), generated

        return function

    count = of.lanes

    @numba.njit(**INLINE)
    def lanes() -> Number:
        return count

    return {
        "load": load, "store": store, "plus": plus, "larger": larger, "where_same": where(same=True),
        "where_other": where(same=False), "lanes": lanes,
    }  # fmt: skip


def vector_functions() -> dict[str, Any]:
    """`load_wide_f32(address, n)`, `load_strip_f32(address, n)` and the like; n: of the first lanes"""
    from runtime.native.strips import strip_functions  # these need Vector
    from runtime.native.sums import sum_functions

    found: dict[str, Any] = {}
    for name, dtype, kind in (("f32", np.float32, numba.types.float32), ("f64", np.float64, numba.types.float64)):
        wide = register_bytes() // np.dtype(dtype).itemsize
        for width, lanes in (("wide", wide), ("narrow", min(wide, NARROW))):
            of = Vector(kind, lanes)
            found |= {f"{f}_{width}_{name}": function for f, function in (_functions(of) | sum_functions(of)).items()}
        found |= {f"{f}_{name}": function for f, function in strip_functions(Vector(kind, wide)).items()}
    return found
