"""Stands in for CuPy where there is no GPU: NumPy's arithmetic behind CuPy's rules.

What CuPy refuses, does otherwise in silence, or does only by waiting for the device raises StrictError. The names and
the parameters of its functions are those of the CuPy that cupy_api.json was read off.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SHAPED_BY_DATA = ("flatnonzero", "nonzero", "argwhere", "unique", "compress", "extract")

API: dict[str, Any] = json.loads(Path(__file__).with_name("cupy_api.json").read_text("utf-8"))["functions"]
"""Of a function the parameters, None where they cannot be read; of a ufunc its types. make_cupy_api.py writes it."""

UFUNC_OPTIONS = {"out", "dtype", "casting"}
METHODS = {"reshape", "transpose", "ravel", "astype", "copy", "fill", "squeeze", "sum", "mean", "max", "min", "prod",
           "any", "all", "argmax", "argmin", "clip", "cumsum"}  # fmt: skip
REDUCED = {"add", "multiply"}
"""Ufuncs that have `reduce`."""


class StrictError(TypeError):
    pass


def plain(x: Any, where: str) -> Any:
    """The NumPy array of a device array, also inside of tuples; anything that may not come along is refused."""
    if isinstance(x, DeviceArray):
        return x.on_host
    if isinstance(x, np.ndarray | np.generic):
        raise StrictError(f"{where}: {type(x).__name__} of the host where an array of the device is needed")
    if isinstance(x, list | tuple):
        return type(x)(plain(each, where) for each in x)
    return x


def wrapped(x: Any) -> Any:
    """Reductions, too, give arrays, of no dimension."""
    return DeviceArray(np.asarray(x)) if isinstance(x, np.ndarray | np.generic) else x


def same_memory(out: Any, *operands: Any) -> bool:
    """Another kernel than an element-wise one reads what it has already written there."""
    arrays = [x for x in operands if isinstance(x, np.ndarray)]
    return isinstance(out, np.ndarray) and any(np.may_share_memory(out, x) for x in arrays)


class DeviceArray:
    __slots__ = ("on_host",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, array: Any) -> None:
        self.on_host = array

    def __getattr__(self, name: str) -> Any:
        if name in ("shape", "ndim", "size", "dtype", "itemsize", "nbytes", "strides", "flags"):
            return getattr(self.on_host, name)
        if name not in METHODS:
            raise StrictError(f"ndarray.{name} is not among what a step may use")
        method = getattr(self.on_host, name)

        def call(*args: Any, **options: Any) -> Any:
            for option in options:
                if option in ("where", "initial", "mode"):
                    raise StrictError(f"ndarray.{name}: CuPy has no {option}=")
            return wrapped(method(*plain(args, name), **{k: plain(v, name) for k, v in options.items()}))

        return call

    def __len__(self) -> int:
        return len(self.on_host)

    @property
    def T(self) -> DeviceArray:
        return DeviceArray(self.on_host.T)

    def get(self) -> Any:
        """The one way to the host."""
        return self.on_host.copy()

    def view(self, dtype: Any) -> DeviceArray:
        if np.dtype(dtype).itemsize != self.on_host.itemsize and not self.on_host.flags.c_contiguous:
            raise StrictError("a view of another item size wants memory without gaps")
        return DeviceArray(self.on_host.view(dtype))

    def sort(self, axis: int = -1) -> None:
        if not self.on_host.flags.c_contiguous:
            raise StrictError("CuPy sorts in place only memory without gaps")
        self.on_host.sort(axis=axis)

    def __getitem__(self, key: Any) -> Any:
        return wrapped(self.on_host[self._key(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        given, at = plain(value, "assignment"), self._key(key)
        if isinstance(at, np.ndarray):
            _refuse_races(at, np.broadcast_to(given, (*at.shape, *self.shape[1:])))
        self.on_host[at] = given

    def _key(self, key: Any) -> Any:
        for each in key if isinstance(key, tuple) else (key,):
            if not isinstance(each, DeviceArray):
                continue
            if each.dtype == bool:
                raise StrictError("what a boolean mask chooses has a shape that depends on data")
            if isinstance(key, tuple):
                raise StrictError("an array of places beside slices: say it with one array")
            places = each.on_host
            if places.size and (places.max() >= self.shape[0] or places.min() < -self.shape[0]):
                raise StrictError("an index is out of range: CuPy counts on from the beginning in silence")
        return plain(key, "index")

    def _refused(self, *args: Any, **options: Any) -> Any:
        raise StrictError("a number of the device is asked for, which waits for all that is under way")

    __float__ = __int__ = __index__ = __bool__ = __iter__ = __complex__ = _refused
    __array__ = __array_ufunc__ = __array_function__ = _refused
    item = tolist = tobytes = _refused


def _refuse_races(places: Any, values: Any) -> None:
    """Which of two values at one place wins is open; that of equal ones does not matter."""
    _, first, which = np.unique(places, return_index=True, return_inverse=True)
    flat = values.reshape(places.size, -1)
    if not np.array_equal(flat, flat[first][which.reshape(-1)], equal_nan=flat.dtype.kind == "f"):
        raise StrictError("different values are assigned to one place")


def _operators() -> None:
    def binary(name: str) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
        def straight(self: DeviceArray, other: Any) -> Any:
            return call(name, self, other)

        def turned(self: DeviceArray, other: Any) -> Any:
            return call(name, other, self)

        def in_place(self: DeviceArray, other: Any) -> Any:
            return call(name, self, other, out=self)

        return straight, turned, in_place

    arithmetic = {
        "add": "add",
        "sub": "subtract",
        "mul": "multiply",
        "truediv": "true_divide",
        "floordiv": "floor_divide",
        "mod": "remainder",
        "pow": "power",
        "matmul": "matmul",
        "and": "bitwise_and",
        "or": "bitwise_or",
        "xor": "bitwise_xor",
        "lshift": "left_shift",
        "rshift": "right_shift",
    }
    for operator, name in arithmetic.items():
        straight, turned, in_place = binary(name)
        setattr(DeviceArray, f"__{operator}__", straight)
        setattr(DeviceArray, f"__r{operator}__", turned)
        setattr(DeviceArray, f"__i{operator}__", in_place)
    comparison = {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal",
                  "ne": "not_equal"}  # fmt: skip
    for operator, name in comparison.items():
        setattr(DeviceArray, f"__{operator}__", binary(name)[0])
    DeviceArray.__neg__ = lambda self: call("negative", self)  # type: ignore[attr-defined]
    DeviceArray.__invert__ = lambda self: call("invert", self)  # type: ignore[attr-defined]


_operators()


def call(name: str, *args: Any, **options: Any) -> Any:
    """A function of CuPy's, with its rules."""
    parameters = API[name]
    is_ufunc = isinstance(parameters, dict)
    known = UFUNC_OPTIONS if is_ufunc else parameters
    wrong = [option for option in options if known is not None and option not in known]
    if wrong:
        raise StrictError(f"xp.{name}: CuPy takes no keyword {', '.join(wrong)}")
    if is_ufunc and any(isinstance(x, list | tuple) for x in args):
        raise StrictError(f"xp.{name}: CuPy's ufuncs take no lists")
    if name in ("asarray", "array"):
        # The one way to the device. It always copies.
        return DeviceArray(np.array(args[0].on_host if isinstance(args[0], DeviceArray) else args[0], *args[1:]))
    given = [plain(x, f"xp.{name}") for x in args]
    named = {key: plain(value, f"xp.{name}") for key, value in options.items()}
    if is_ufunc and "dtype" not in named:
        _check_types(name, parameters["types"], given)
    if not is_ufunc and name != "copyto" and same_memory(named.get("out"), *given):
        raise StrictError(f"xp.{name}: out is the memory of an operand")
    if name == "take":
        _check_take(given, named)
        if named.get("out") is not None:
            np.copyto(named["out"], np.take(*given, axis=named.get("axis")))
            return options["out"]
    if name == "argsort":
        named["kind"] = "stable"
    if name in ("may_share_memory", "shares_memory"):
        return np.may_share_memory(*given)
    return wrapped(getattr(np, name)(*given, **named))


def _check_types(name: str, loops: list[str], given: list[Any]) -> None:
    """CuPy takes the first loop that all operands can be cast to; it must be the type that NumPy computes in."""
    arrays = [x.dtype for x in given if isinstance(x, np.ndarray)]
    weak = [np.result_type(*arrays, x) if not isinstance(x, np.ndarray) else x.dtype for x in given]
    loop = next((each for each in loops if all(map(np.can_cast, weak, each.partition("->")[0]))), None)
    if loop is None:
        raise StrictError(f"xp.{name}: CuPy has no loop for {', '.join(map(str, weak))}")
    kinds = [type(x) if not isinstance(x, np.ndarray) else x.dtype for x in given]
    wanted = getattr(np, name).resolve_dtypes((*kinds, None))[-1]
    if np.dtype(loop.partition("->")[2]) != wanted:
        raise StrictError(f"xp.{name} of {', '.join(map(str, weak))}: CuPy computes {loop}, NumPy {wanted}")


def _check_take(given: list[Any], named: dict[str, Any]) -> None:
    a, indices = given
    axis, out = named.get("axis"), named.get("out")
    size = a.size if axis is None else a.shape[axis]
    if indices.size and (indices.max() >= size or indices.min() < 0):
        raise StrictError("xp.take: an index is out of range, and CuPy has no mode")
    shape = indices.shape if axis is None else (*a.shape[:axis], *indices.shape, *a.shape[axis + 1 :])
    if out is not None and (out.dtype != a.dtype or out.shape != shape):
        raise StrictError("xp.take: out is not of the result's type and shape")


class Ufunc:
    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *args: Any, **options: Any) -> Any:
        return call(self._name, *args, **options)

    def reduce(self, x: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        if self._name not in REDUCED:
            raise StrictError(f"xp.{self._name}.reduce: CuPy has it for {' and '.join(REDUCED)} only")
        return call({"add": "sum", "multiply": "prod"}[self._name], x, axis=axis, dtype=dtype, out=out,
                    keepdims=keepdims)  # fmt: skip

    def at(self, a: DeviceArray, indices: DeviceArray, b: Any = None) -> None:
        if self._name != "add" or a.dtype.kind != "f":
            raise StrictError(f"xp.{self._name}.at of {a.dtype}: CuPy has none")
        values = np.asarray(plain(b, "add.at"))
        if values.dtype.kind == "f" and not np.array_equal(values, np.trunc(values)):
            raise StrictError("xp.add.at: its order is open, so that sums of fractions differ from run to run")
        np.add.at(a.on_host, indices.on_host, values)


class StrictNamespace:
    """`import cupy`, as it were."""

    ndarray = DeviceArray
    pi, e, nan, inf, newaxis = np.pi, np.e, np.nan, np.inf, None
    dtype = np.dtype

    def __getattr__(self, name: str) -> Any:
        there = getattr(np, name, None)
        if isinstance(there, type) and issubclass(there, np.generic):
            return there
        if name not in API:
            raise StrictError(f"xp.{name}: CuPy has no such function")
        if name in SHAPED_BY_DATA:
            raise StrictError(f"xp.{name}: the host waits for how many there are")
        if isinstance(API[name], dict):
            return Ufunc(name)

        def function(*args: Any, **options: Any) -> Any:
            return call(name, *args, **options)

        return function

    def empty(self, shape: Any, dtype: Any = float, order: str = "C") -> DeviceArray:
        """New memory holds NaN, and -1, so that reading it before it is written shows."""
        array = np.empty(shape, dtype, "C" if order == "C" else "F")
        array.reshape(-1).view(np.uint8).fill(255)
        return DeviceArray(array)


xp = StrictNamespace()
