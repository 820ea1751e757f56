"""NumPy as a backend."""

from __future__ import annotations

import numpy as np

from compiler.plan.arena import ALIGNMENT
from runtime.backend import Array, Backend
from runtime.kernels import KERNELS, called_by_programs
from runtime.memory import available_bytes


def numpy_backend() -> Backend:
    return Backend(
        name="numpy",
        xp=np,
        kernels=called_by_programs(KERNELS),
        empty=_empty,
        to_device=_same,
        to_host=_same,
        quiet=lambda: np.errstate(all="ignore"),
        available_bytes=available_bytes,
    )


def _empty(size: int) -> Array:
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size]


def _same(array: Array) -> Array:
    return array
