"""What a program runs on: an array namespace, its kernels, and memory. A value passed along, never a global."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    quiet: a context in which floating-point infinities and NaN raise no warning
    """

    name: str
    xp: Xp
    kernels: Any
    empty: Callable[[int], Array]
    to_device: Callable[[Array], Array]
    to_host: Callable[[Array], Array]
    quiet: Callable[[], AbstractContextManager[Any]]
