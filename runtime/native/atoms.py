"""What threads tell each other with: words of memory that are read and written at once, and waiting for one of them."""

from __future__ import annotations

import platform
from typing import Any, TypeAlias

import numba
from llvmlite import ir
from numba.extending import intrinsic

Number: TypeAlias = Any

PATIENT = 4000
"""So often a thread looks at a word before it lets others have its core between two looks: some 50 microseconds."""

PAUSE = {"x86_64": "pause", "AMD64": "pause", "i686": "pause", "aarch64": "yield", "arm64": "yield"}
"""Tells the processor that a thread waits."""

OPTIONS: dict[str, Any] = {"nogil": True, "forceinline": True, "error_model": "numpy"}
LONG = ir.IntType(64)


@intrinsic
def _load(_: Any, address: Any) -> Any:
    """What another thread wrote before it wrote this word is seen from here on."""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(builder.inttoptr(arguments[0], LONG.as_pointer()), "acquire", 8)

    return numba.types.int64(numba.types.int64), generated


@intrinsic
def _store(_: Any, address: Any, value: Any) -> Any:
    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store_atomic(arguments[1], builder.inttoptr(arguments[0], LONG.as_pointer()), "release", 8)
        return context.get_dummy_value()

    return numba.types.none(numba.types.int64, numba.types.int64), generated


@intrinsic
def _swap_if(_: Any, address: Any, old: Any, new: Any) -> Any:
    """Whether the word was old; it is new then."""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = builder.inttoptr(arguments[0], LONG.as_pointer())
        found = builder.cmpxchg(place, arguments[1], arguments[2], "acq_rel", "acquire")
        return builder.zext(builder.extract_value(found, 1), context.get_value_type(numba.types.boolean))

    long = numba.types.int64
    return numba.types.boolean(long, long, long), generated


@intrinsic
def _pause(_: Any) -> Any:
    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = PAUSE.get(platform.machine())
        if word is not None:
            builder.asm(ir.FunctionType(ir.VoidType(), []), word, "~{memory}", [], True)
        return context.get_dummy_value()

    return numba.types.none(), generated


@intrinsic
def _ask(_: Any, function: Any) -> Any:
    """What a C function of nothing gives, an int."""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        return builder.sext(builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), []), LONG)

    return numba.types.int64(numba.types.int64), generated


@intrinsic
def _tell(_: Any, function: Any, value: Any) -> Any:
    """Calls a C function of an int."""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(32)])
        function, value = arguments
        builder.call(builder.inttoptr(function, kind.as_pointer()), [builder.trunc(value, ir.IntType(32))])
        return context.get_dummy_value()

    return numba.types.none(numba.types.int64, numba.types.int64), generated


@intrinsic
def _clock(_: Any, function: Any, which: Any, room: Any) -> Any:
    """Nanoseconds of a clock, by the address of C's clock_gettime; room: of two words"""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [ir.IntType(32), LONG])
        function, which, room = arguments
        builder.call(builder.inttoptr(function, kind.as_pointer()), [builder.trunc(which, ir.IntType(32)), room])
        seconds, rest = (builder.load(builder.inttoptr(builder.add(room, LONG(i)), LONG.as_pointer())) for i in (0, 8))
        return builder.add(builder.mul(seconds, LONG(10**9)), rest)

    long = numba.types.int64
    return long(long, long, long), generated


def thread_functions() -> dict[str, Any]:
    """load, store, swap_if, ask, tell, clock; rest(looks, way): between two looks at a word, after so many, way being
    the address of a function that lets other threads have the core, or 0."""
    pause, ask = _pause, _ask

    @numba.njit(**OPTIONS)
    def rest(looks: Number, way: Number) -> None:
        if looks < PATIENT or way == 0:
            pause()
        else:
            ask(way)

    return {
        "load": _load,
        "store": _store,
        "swap_if": _swap_if,
        "ask": _ask,
        "tell": _tell,
        "clock": _clock,
        "rest": rest,
    }
