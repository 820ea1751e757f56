"""What a kernel calls: memory by its address, and functions of one number that LLVM can compute for many at once.

NaN gives NaN, and what overflows infinity, as with NumPy. `tests/runtime/native` holds the errors.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numba
import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from runtime.native.atoms import thread_functions
from runtime.native.machine import features
from runtime.native.philox import philox_of
from runtime.native.products import LEAST_COLUMNS, LEAST_ROWS, tiled_product
from runtime.native.rows import row_functions, stack_of
from runtime.native.tiles import VECTOR_BYTES
from runtime.native.vectors import called, register_bytes, vector_functions

Number: TypeAlias = Any
Function: TypeAlias = Callable[..., Any]

if numba.config.CPU_FEATURES is None and numba.config.CPU_NAME is None:
    # Numba asks for them once, before its first function.
    numba.config.CPU_FEATURES = features()

OPTIONS: dict[str, Any] = {"nogil": True, "forceinline": True, "fastmath": {"contract"}, "error_model": "numpy"}
"""A product and a sum may be rounded once instead of twice. More freedom would undo the reductions of exp."""


def _view(dtype: Any) -> Function:
    """address, length -> an array without gaps"""

    @intrinsic
    def pointer(_: Any, address: Any) -> Any:
        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return numba.types.CPointer(dtype)(numba.types.int64), generated

    @numba.njit(**OPTIONS)
    def view(address: Number, length: Number) -> Number:
        return numba.carray(pointer(address), (length,))

    return view


def _of_any_width(f: Any) -> dict[str, Function]:
    """f: np.float32 or np.float64"""

    @numba.njit(**OPTIONS)
    def maximum(x: Number, y: Number) -> Number:
        return y if (x < y) | (y != y) else x

    @numba.njit(**OPTIONS)
    def minimum(x: Number, y: Number) -> Number:
        return y if (x > y) | (y != y) else x

    @numba.njit(**OPTIONS)
    def relu(x: Number) -> Number:
        return f(0) if x <= f(0) else x

    @numba.njit(**OPTIONS)
    def sign(x: Number) -> Number:
        up = f(1) if x > f(0) else f(0)
        down = f(1) if x < f(0) else f(0)
        return x if x != x else up - down

    @numba.njit(**OPTIONS)
    def absolute(x: Number) -> Number:
        return abs(x)

    @numba.njit(**OPTIONS)
    def sqrt(x: Number) -> Number:
        return np.sqrt(x)

    @numba.njit(**OPTIONS)
    def log(x: Number) -> Number:
        return np.log(x)

    return {"maximum": maximum, "minimum": minimum, "relu": relu, "sign": sign, "absolute": absolute, "sqrt": sqrt,
            "log": log}  # fmt: skip


@numba.njit(**OPTIONS)
def _tanh_f32(x: Number) -> Number:
    """The rational function of Eigen's library, which ends at its bound; from 9 on the result is 1 in float32."""
    f = np.float32
    bound = f(7.90531110763549805)
    inside = x if x > -bound else -bound
    inside = inside if inside < bound else bound
    s = inside * inside
    p = s * f(-2.76076847742355e-16) + f(2.00018790482477e-13)
    p = s * p + f(-8.60467152213735e-11)
    p = s * p + f(5.12229709037114e-08)
    p = s * p + f(1.48572235717979e-05)
    p = s * p + f(6.37261928875436e-04)
    p = s * p + f(4.89352455891786e-03)
    q = s * f(1.19825839466702e-06) + f(1.18534705686654e-04)
    q = s * q + f(2.26843463243900e-03)
    q = s * q + f(4.89352518554385e-03)
    y = inside * (p / q)
    y = f(1) if x > f(9) else y
    y = f(-1) if x < f(-9) else y
    return x if x != x else y


@intrinsic
def _within(_: Any, x: Any, low: Any, high: Any) -> Any:
    """The nearest of what is in these bounds; of NaN anything."""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, low, high = arguments
        for name, bound in (("llvm.maxnum.f32", low), ("llvm.minnum.f32", high)):
            x = called(builder, name, ir.FloatType(), [x, bound], ("nnan", "nsz"))
        return x

    return x(x, x, x), generated


@intrinsic
def _times_power(_: Any, y: Any, n: Any) -> Any:
    """y times 2 to a whole number from -252 to 254, in two steps, for a power may be below 2^-126 or above 2^127."""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        y, n = arguments
        long = ir.IntType(32)
        whole = builder.fptosi(n, long)
        half = builder.ashr(whole, long(1))
        for power in (half, builder.sub(whole, half)):
            bits = builder.shl(builder.add(power, long(127)), long(23))
            y = builder.fmul(y, builder.bitcast(bits, ir.FloatType()))
        return y

    return y(y, n), generated


@numba.njit(**OPTIONS)
def _exp_f32(x: Number) -> Number:
    """The polynomial of Cephes between two powers of two, times that power."""
    f = np.float32
    inside = _within(x, f(-104), f(89))
    n = np.floor(inside * f(1.44269504) + f(0.5))
    r = inside - n * f(0.693359375)
    r = r - n * f(-2.12194440e-4)
    y = f(1.9875691500e-4) * r + f(1.3981999507e-3)
    y = y * r + f(8.3334519073e-3)
    y = y * r + f(4.1665795894e-2)
    y = y * r + f(1.6666665459e-1)
    y = y * r + f(5.0000001201e-1)
    y = y * (r * r) + r + f(1)
    return x if x != x else _times_power(y, n)


@numba.njit(**OPTIONS)
def _exp_f64(x: Number) -> Number:
    return np.exp(x)


@numba.njit(**OPTIONS)
def _tanh_f64(x: Number) -> Number:
    return np.tanh(x)


@numba.njit(**OPTIONS)
def _log1p_f32(x: Number) -> Number:
    """From 0 to 1: the series of 2 artanh(x / (2 + x)), whose next term is below 2^-26."""
    f = np.float32
    s = x / (f(2) + x)
    t = s * s
    y = t * f(2 / 13) + f(2 / 11)
    y = y * t + f(2 / 9)
    y = y * t + f(2 / 7)
    y = y * t + f(2 / 5)
    y = y * t + f(2 / 3)
    return s * (y * t) + f(2) * s


@numba.njit(**OPTIONS)
def _log1p_f64(x: Number) -> Number:
    return np.log1p(x)


@numba.njit(**OPTIONS)
def _erf_f32(x: Number) -> Number:
    """Near 0 x + x P(x^2), farther 1 - exp(-Q(|x|)): those of the least largest relative error from 0 to 0.95, and from
    there to 4, beyond which the result is 1 in float32."""
    f = np.float32
    size = abs(x)
    size = size if size < f(4) else f(4)
    s = size * size
    p = s * f(-5.86208232e-04) + f(4.96750689e-03)
    p = s * p + f(-2.67488644e-02)
    p = s * p + f(1.12813207e-01)
    p = s * p + f(-3.76124459e-01)
    p = s * p + f(1.28379142e-01)
    q = size * f(-1.92425096e-04) + f(3.00852827e-03)
    q = size * q + f(-2.20876076e-02)
    q = size * q + f(1.03640257e-01)
    q = size * q + f(6.37517083e-01)
    q = size * q + f(1.12747494e00)
    q = size * q + f(2.44723250e-04)
    far = f(1) - _exp_f32(-q)
    y = x + x * p if size < f(0.95) else (far if x > f(0) else -far)
    return x if x != x else y


@numba.njit(**OPTIONS)
def _erf_f64(x: Number) -> Number:
    return math.erf(x)


def _of_these(f: Any, exp: Function, tanh: Function, log1p: Function, erf: Function) -> dict[str, Function]:
    @numba.njit(**OPTIONS)
    def sigmoid(x: Number) -> Number:
        return f(0.5) * tanh(f(0.5) * x) + f(0.5)

    @numba.njit(**OPTIONS)
    def softplus(x: Number) -> Number:
        return (f(0) if x <= f(0) else x) + log1p(exp(-abs(x)))

    return {"exp": exp, "tanh": tanh, "sigmoid": sigmoid, "softplus": softplus, "erf": erf}


@intrinsic
def _call(_: Any, function: Any, p: Any) -> Any:
    """function(p), both addresses"""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64)])
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), [arguments[1]])
        return context.get_dummy_value()

    return numba.types.none(numba.types.int64, numba.types.int64), generated


LINE, MOST_LINES = 64, 16
"""Bytes of a line of the cache; of a row no more lines are fetched ahead than the nearest cache has room for."""


@intrinsic
def _touch(_: Any, address: Any) -> Any:
    """Memory that is read soon: the processor may get it meanwhile."""

    def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number, byte = ir.IntType(32), ir.IntType(8).as_pointer()
        given = [builder.inttoptr(arguments[0], byte), number(0), number(3), number(1)]
        called(builder, "llvm.prefetch.p0i8", ir.VoidType(), given)
        return context.get_dummy_value()

    return numba.types.none(numba.types.int64), generated


@numba.njit(**OPTIONS)
def _fetch(address: Number, size: Number) -> None:
    """The same of so many bytes."""
    for line in range(0, min(size, LINE * MOST_LINES), LINE):
        _touch(address + line)


ROW_MAJOR, PLAIN, TURNED = 101, 111, 112
"""Of CBLAS."""


def _blas(dtype: Any) -> Function:
    """c = a @ b by the function at an address: [m, k] @ [k, n], each with the distance of its rows, a and b perhaps
    transposed."""

    @intrinsic
    def blas(_: Any, gemm: Any, flags: Any, sizes: Any, one: Any, places: Any) -> Any:
        def generated(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            gemm, flags, sizes, one, places = arguments
            flag, long = ir.IntType(32), ir.IntType(64)
            number = ir.FloatType() if dtype is numba.types.float32 else ir.DoubleType()
            kinds = [flag] * 3 + [long] * 3 + [number, long, long, long, long, number, long, long]
            kind = ir.FunctionType(ir.VoidType(), kinds)
            turned = [builder.trunc(builder.extract_value(flags, i), flag) for i in range(2)]
            m, n, k = (builder.extract_value(sizes, i) for i in range(3))
            a, lda, b, ldb, c, ldc = (builder.extract_value(places, i) for i in range(6))
            given = [flag(ROW_MAJOR), *turned, m, n, k, one, a, lda, b, ldb, number(0), c, ldc]
            builder.call(builder.inttoptr(gemm, kind.as_pointer()), given)
            return context.get_dummy_value()

        long = numba.types.int64
        return numba.types.none(
            long, numba.types.UniTuple(long, 2), numba.types.UniTuple(long, 3), dtype, numba.types.UniTuple(long, 6)
        ), generated

    return blas


def _multiply(f: Any, dtype: Any, tiled: Function | None) -> Function:
    """c = a @ b: in tiles where that is known to be faster, else by BLAS, or by itself where its address is 0."""
    view, size, blas = _view(dtype), np.dtype(f).itemsize, _blas(dtype)
    with_tiles = tiled is not None  # A constant for Numba, which leaves the other branch out.
    product: Any = tiled

    @numba.njit(nogil=True, error_model="numpy")
    def multiply(
        gemm: Number, m: Number, n: Number, k: Number, a: Number, lda: Number, a_turned: Number, b: Number,
        ldb: Number, b_turned: Number, c: Number, ldc: Number,
    ) -> None:  # fmt: skip
        if with_tiles and m >= LEAST_ROWS and n >= LEAST_COLUMNS and k > 0:
            product(m, n, k, a, lda, a_turned, b, ldb, b_turned, c, ldc)
            return
        if gemm != 0:
            flags = (TURNED if a_turned else PLAIN, TURNED if b_turned else PLAIN)
            blas(gemm, flags, (m, n, k), f(1), (a, lda, b, ldb, c, ldc))
            return
        for i in range(m):
            out = view(c + i * ldc * size, n)
            for j in range(n):
                out[j] = f(0)
            for r in range(k):
                x = view(a + (r * lda + i if a_turned else i * lda + r) * size, 1)[0]
                step = ldb if b_turned else 1
                row = view(b + (r if b_turned else r * ldb) * size, (n - 1) * step + 1)
                for j in range(n):
                    out[j] += x * row[j * step]

    return multiply


def _product() -> Function:
    """How a kernel calls the one that multiplies. multiplier: where its address stands, and behind it that of BLAS"""
    view, room = _view(numba.types.int64), stack_of(numba.types.int64, 12)

    @numba.njit(nogil=True, error_model="numpy")
    def product(
        multiplier: Number, m: Number, n: Number, k: Number, a: Number, lda: Number, a_turned: Number, b: Number,
        ldb: Number, b_turned: Number, c: Number, ldc: Number,
    ) -> None:  # fmt: skip
        address = room()
        p = view(address, 12)
        p[0] = view(multiplier, 2)[1]
        p[1], p[2], p[3] = m, n, k
        p[4], p[5], p[6] = a, lda, a_turned
        p[7], p[8], p[9] = b, ldb, b_turned
        p[10], p[11] = c, ldc
        _call(view(multiplier, 2)[0], address)

    return product


VIEWED: dict[str, Any] = {
    "f32": numba.types.float32, "f64": numba.types.float64, "i64": numba.types.int64, "b8": numba.types.boolean,
    "u32": numba.types.uint32, "u64": numba.types.uint64,
}  # fmt: skip


def functions() -> dict[str, Any]:
    """All that a kernel's text may name: `f32(address, length)`, `exp_f32(x)` and the like."""
    types = numba.types
    found: dict[str, Any] = {"np": np, "call": _call, "fetch": _fetch}
    for name, dtype in VIEWED.items():
        found[name] = _view(dtype)
    single = _of_any_width(np.float32) | _of_these(np.float32, _exp_f32, _tanh_f32, _log1p_f32, _erf_f32)
    double = _of_any_width(np.float64) | _of_these(np.float64, _exp_f64, _tanh_f64, _log1p_f64, _erf_f64)
    found |= {f"{name}_f32": function for name, function in single.items()}
    found |= {f"{name}_f64": function for name, function in double.items()}
    more = row_functions(found) | vector_functions() | thread_functions()
    found |= more | {"philox": philox_of(found["u64"])}
    found["product"] = _product()
    tiled = tiled_product(found) if register_bytes() == VECTOR_BYTES else None
    found |= {"multiply_f32": _multiply(np.float32, types.float32, tiled)}
    return found | {"multiply_f64": _multiply(np.float64, types.float64, None)}
