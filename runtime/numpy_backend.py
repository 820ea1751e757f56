"""NumPy as a backend."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from compiler.ir.text import op_name
from compiler.plan.arena import ALIGNMENT
from runtime.backend import Array, Backend, Rows
from runtime.kernels import KERNELS
from runtime.kernels.blocks import blocks
from runtime.kernels.layout import reshaped
from runtime.kernels.reduction import column_starts


def numpy_backend() -> Backend:
    named = {op_name(op): kernel for op, kernel in KERNELS.items()}
    kernels = SimpleNamespace(**named, Rows=Rows, blocks=blocks, column_starts=column_starts, reshaped=reshaped)
    return Backend("numpy", np, kernels, _empty, _same, _same, lambda: np.errstate(all="ignore"))


def _empty(size: int) -> Array:
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size]


def _same(array: Array) -> Array:
    return array
