"""A backend over an array module of an accelerator. The module is given: CuPy, or what stands in for it in tests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from runtime.backend import Array, Backend, Xp
from runtime.kernels import KERNELS, called_by_programs
from runtime.kernels.device import DEVICE_KERNELS, number, some_ended
from runtime.namespace import Namespace


def device_backend(
    name: str,
    module: Xp,
    to_host: Callable[[Array], Array],
    within: Callable[[], AbstractContextManager[Any]],
    available_bytes: Callable[[], int],
) -> Backend:
    """within: a context for everything that touches the device, where its errors become ours."""
    xp = Namespace(module)

    def empty(size: int) -> Array:
        with within():
            return xp.empty(size, dtype=xp.uint8)

    def to_device(array: Array) -> Array:
        with within():
            return xp.asarray(array)

    def back(array: Array) -> Array:
        with within():
            return to_host(array)

    return Backend(
        name=name,
        xp=xp,
        kernels=called_by_programs({**KERNELS, **DEVICE_KERNELS}, some_ended, number),
        empty=empty,
        to_device=to_device,
        to_host=back,
        quiet=within,
        available_bytes=available_bytes,
    )
