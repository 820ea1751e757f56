"""A module `cupy` for tests: the strict array namespace, with a GPU behind it in any state of disrepair."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from runtime import cuda_backend
from tests.runtime.strict_xp import DeviceArray, StrictNamespace


class CUDARuntimeError(RuntimeError):
    def __init__(self, status: int) -> None:
        super().__init__(f"cudaErrorSomething: error {status} of CUDA\nand more of it")
        self.status = status


class OutOfMemoryError(MemoryError):
    pass


class DynamicLibNotFoundError(RuntimeError):
    pass


for each in (CUDARuntimeError, OutOfMemoryError):
    each.__module__ = "cupy.cuda"
DynamicLibNotFoundError.__module__ = "cuda.pathfinder"


def nothing() -> None:
    pass


@dataclass
class Machine:
    """What the fake says. Versions as CUDA writes them, 12040 for 12.4.

    count: GPUs, or the number of the error that asking for it gives
    on_matmul, on_allocation: called there, to fail
    """

    driver: int = 12040
    wanted: int = 12090
    count: int = 2
    count_error: int | None = None
    free: int = 1 << 33
    on_matmul: Callable[[], None] = nothing
    on_allocation: Callable[[], None] = nothing
    used: list[int] = field(default_factory=list[int])


class FakeCuPy(StrictNamespace):
    __version__ = "14.2.0"
    __spec__ = None

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        runtime = SimpleNamespace(
            CUDARuntimeError=CUDARuntimeError,
            driverGetVersion=lambda: machine.driver,
            runtimeGetVersion=lambda: machine.wanted,
            getDeviceCount=self._count,
            memGetInfo=lambda: (machine.free, 1 << 34),
            getDeviceProperties=lambda device: {"name": b"NVIDIA Fake"},
        )
        self.cuda = SimpleNamespace(
            runtime=runtime, Device=self._device, memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError)
        )

    def _count(self) -> int:
        if self.machine.count_error is not None:
            raise CUDARuntimeError(self.machine.count_error)
        return self.machine.count

    def _device(self, number: int) -> Any:
        device = nullcontext()
        device.use = lambda: self.machine.used.append(number)  # type: ignore[attr-defined]
        return device

    def get_default_memory_pool(self) -> Any:
        return SimpleNamespace(free_bytes=lambda: 0)

    def asnumpy(self, array: DeviceArray) -> Any:
        return array.get()

    def empty(self, shape: Any, dtype: Any = float, order: str = "C") -> DeviceArray:
        self.machine.on_allocation()
        return super().empty(shape, dtype, order)

    def matmul(self, x: DeviceArray, y: DeviceArray, out: DeviceArray | None = None) -> Any:
        self.machine.on_matmul()
        return x.__matmul__(y) if out is None else super().__getattr__("matmul")(x, y, out=out)


def installer(monkeypatch: pytest.MonkeyPatch) -> Callable[[Machine], None]:
    """Puts a machine with CuPy in the place of this one, until the test is over."""

    def install(machine: Machine) -> None:
        monkeypatch.setattr(cuda_backend, "_packages", lambda: ["cupy-cuda12x"])
        monkeypatch.setitem(sys.modules, "cupy", FakeCuPy(machine))

    return install
