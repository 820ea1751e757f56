"""What a program runs on: an array namespace, its kernels, and memory. A value passed along, never a global."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from compiler.ir.types import Dtype

Array: TypeAlias = Any
"""An array of the backend's namespace."""

NUMPY_DTYPES: Mapping[Dtype, type] = MappingProxyType({
    "f32": np.float32, "f64": np.float64, "i64": np.int64, "bool": np.bool_,
})  # fmt: skip

Xp: TypeAlias = Any
"""An array namespace: `numpy`, or what has its functions under the same names."""


class Rows(NamedTuple):
    """A row-sparse value. From count on, ids are 0 and values 0; ids below count are distinct and never 0.

    ids: i64[N], values: [N, *R], count: i64[1]
    """

    ids: Array
    values: Array
    count: Array


Value: TypeAlias = Array | Rows


@dataclass(frozen=True)
class Backend:
    """kernels: a namespace of the functions that an emitted program calls as `k.name`.

    empty: so many bytes, not cleared, beginning at a multiple of 64
    to_device: an array of the host, or a number of NumPy's, as the backend's own; to_host: the way back, where it waits
    quiet: a context for steps, in which floating-point infinities and NaN raise no warning
    available_bytes: memory that can be had where the arrays are; an estimate, never 0
    native: where programs bring kernels of their own, what their source gives for `k`
    threads: for how many a program shall be, of those that bring kernels
    later: what is taken instead for a training whose kernels are compiled already
    """

    name: str
    xp: Xp
    kernels: Any
    empty: Callable[[int], Array]
    to_device: Callable[[Array], Array]
    to_host: Callable[[Array], Array]
    quiet: Callable[[], AbstractContextManager[Any]]
    available_bytes: Callable[[], int]
    native: Callable[[str], Any] | None = None
    threads: int = 1
    later: Callable[[], Backend] | None = None


def all_finite(backend: Backend, arrays: Iterable[Array]) -> bool:
    """Whether no array of the backend has an infinity or NaN. One number an array comes to the host."""
    with backend.quiet():
        return all(bool(backend.to_host(backend.xp.isfinite(array).all())) for array in arrays)


def on_host(backend: Backend, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name: backend.to_host(array) for name, array in arrays.items()}
