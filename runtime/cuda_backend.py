"""CuPy as a backend, and every way in which a GPU can be missing. The only file that imports CuPy, and only when asked.

Nothing but a computation shows that a device works: drivers, libraries and compilers fail at their first use. So a
backend is tried out before it is handed on, and from then on its errors become ours where it is touched.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from dsl.errors import Diagnostic, NncError, RunError
from runtime.backend import Array, Backend
from runtime.memory import in_words

CuPy: TypeAlias = Any

PACKAGES = ("cupy", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x")
"""Each installs the module `cupy`."""

INSTALL = 'pip install "nnc[cuda12]", or "nnc[cuda13]" where the driver is of 580 or later'
ON_THE_CPU = "; or compute on the CPU: --device cpu"

SHARE = 0.9
"""Of the free memory: kernels sort and copy in memory of their own, and libraries have theirs, which no plan knows."""

INSUFFICIENT_DRIVER, NO_DEVICE, OUT_OF_MEMORY = 35, 100, 2
"""CUDA's error numbers."""


@dataclass(frozen=True)
class Gpu:
    """As `nnc doctor` tells of it."""

    name: str
    free_bytes: int
    cupy: str
    driver: str


def cuda_backend(device: int = 0) -> Backend:
    """A GPU that has been tried out. Raises RunError NN840 to NN846, NN865, NN852: what is missing, and what to do."""
    cupy = _opened(device)
    # Its kernels are read here: this file is loaded at every start, also where there is no GPU.
    from runtime.device_backend import device_backend

    @contextmanager
    def within() -> Iterator[None]:
        with _translated(), cupy.cuda.Device(device):
            yield

    def to_host(array: Array) -> Array:
        return cupy.asnumpy(array)

    def available_bytes() -> int:
        with within():
            free, _ = cupy.cuda.runtime.memGetInfo()
            return max(int(SHARE * (int(free) + int(cupy.get_default_memory_pool().free_bytes()))), 1)

    backend = device_backend(f"cuda:{device}", cupy, to_host, within, available_bytes)
    _try_out(backend, cupy)
    return backend


def gpu(device: int = 0) -> Gpu:
    """Raises what `cuda_backend` does."""
    backend, cupy = cuda_backend(device), _imported()
    with _translated():
        found = cupy.cuda.runtime.getDeviceProperties(device)["name"]
        name = found.decode("ascii", "replace") if isinstance(found, bytes) else str(found)
        driver = _version(cupy.cuda.runtime.driverGetVersion())
    return Gpu(name, backend.available_bytes(), str(cupy.__version__), driver)


def installed() -> bool:
    """Whether it is worth asking: nothing is imported to find that out."""
    return "cupy" in sys.modules or importlib.util.find_spec("cupy") is not None


def _packages() -> list[str]:
    import importlib.metadata

    found: list[str] = []
    for name in PACKAGES:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found.append(name)
    return found


def _imported() -> CuPy:
    try:
        import cupy
    except ModuleNotFoundError as error:
        if error.name != "cupy":
            raise _no_libraries(error) from error
        raise _refused("NN840", "CuPy is not installed, by which nnc uses a GPU", INSTALL + ON_THE_CPU) from error
    except Exception as error:
        # A library that it loads at once is missing, or what is there of it does not fit together.
        raise _no_libraries(error) from error
    return cupy


def _opened(device: int) -> CuPy:
    """CuPy, on that device."""
    packages = _packages()
    if len(packages) > 1:
        raise _refused(
            "NN845",
            f"{' and '.join(packages)} are installed together, and only one of them can work",
            f"pip uninstall {' '.join(packages)}, and then {INSTALL}",
        )
    cupy = _imported()
    with _translated():
        driver, wanted = cupy.cuda.runtime.driverGetVersion(), cupy.cuda.runtime.runtimeGetVersion()
        if driver == 0:
            raise _refused("NN841", "this machine has no NVIDIA driver", "install the driver of its GPU" + ON_THE_CPU)
        if driver // 1000 < wanted // 1000:
            raise _old_driver(driver, wanted)
        try:
            count = cupy.cuda.runtime.getDeviceCount()
        except cupy.cuda.runtime.CUDARuntimeError as error:
            if error.status == INSUFFICIENT_DRIVER:
                raise _old_driver(driver, wanted) from error
            if error.status != NO_DEVICE:
                raise
            count = 0
        if count == 0:
            raise _refused("NN843", "there is a driver, and no GPU that it shows us", _visible())
        if device >= count:
            there = ", ".join(f"cuda:{i}" for i in range(count))
            raise _refused("NN865", f"the device cuda:{device} is not there", f"there is {there}; {_counted()}")
        cupy.cuda.Device(device).use()
    return cupy


def _try_out(backend: Backend, cupy: CuPy) -> None:
    """One small computation through the compiler and the library of matrix products."""
    with backend.quiet():
        x = backend.xp.ones((2, 2), dtype=backend.xp.float32)
        found = float(cupy.asnumpy((backend.xp.matmul(x, x) + 1.0).sum()))
    if found != 12.0:
        raise _failed(f"it computes {found:g} where 12 is right")


def _old_driver(driver: int, wanted: int) -> RunError:
    return _refused(
        "NN842",
        f"the NVIDIA driver is for CUDA {_version(driver)}, and the installed CuPy wants CUDA {_version(wanted)}",
        'update the driver, or install the CuPy that it can serve, such as "nnc[cuda12]"' + ON_THE_CPU,
    )


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def _visible() -> str:
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        return "look at what `nvidia-smi` lists; a container must be started with its GPUs" + ON_THE_CPU
    return f"CUDA_VISIBLE_DEVICES is {chosen!a}: unset it, or name a GPU that is there" + ON_THE_CPU


def _counted() -> str:
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return "they are counted from 0" + ("" if chosen is None else f" within CUDA_VISIBLE_DEVICES={chosen!a}")


@contextmanager
def _translated() -> Iterator[None]:
    """The border: what CuPy raises becomes an error of a run."""
    try:
        yield
    except NncError:
        raise
    except Exception as error:
        if not _is_theirs(error):
            raise
        raise in_our_words(error) from error


def _is_theirs(error: Exception) -> bool:
    """Whether it is one of CuPy's or CUDA's, or of a library of theirs that is missing."""
    package = type(error).__module__.partition(".")[0]
    return package in ("cupy", "cupy_backends", "cupyx", "cuda") or isinstance(error, ImportError | OSError)


def in_our_words(error: Exception) -> RunError:
    """What an error of CuPy's means."""
    cupy = _imported()
    if isinstance(error, cupy.cuda.memory.OutOfMemoryError) or _status(error) == OUT_OF_MEMORY:
        return _full(cupy)
    if type(error).__name__ == "DynamicLibNotFoundError" or isinstance(error, ImportError | OSError):
        return _no_libraries(error)
    if type(error).__name__ == "CompileException":
        # Its compiler is there and finds no headers, which come with the same packages.
        return _no_libraries(error)
    return _failed(_first_line(error))


def _status(error: Exception) -> int | None:
    """CUDA's number of an error of its runtime."""
    return getattr(error, "status", None) if type(error).__name__ == "CUDARuntimeError" else None


def _full(cupy: CuPy) -> RunError:
    free: Callable[[], tuple[int, int]] = cupy.cuda.runtime.memGetInfo
    try:
        left = f", {in_words(free()[0])} of it free" if free()[0] else ""
        message = f"the memory of the GPU is full: it has {in_words(free()[1])}{left}"
    except Exception:
        # A device that is out of memory may answer nothing any more.
        message = "the memory of the GPU is full"
    return _refused("NN852", message, "end other programs that use this GPU, or make `batch` or the network smaller")


def _no_libraries(error: Exception) -> RunError:
    return _refused(
        "NN844",
        f"CuPy is installed, and cannot load what it needs of CUDA: {_first_line(error)}",
        f"its libraries and headers come with it: {INSTALL}{ON_THE_CPU}",
    )


def _failed(what: str) -> RunError:
    return _refused(
        "NN846",
        f"the GPU does not work: {what}",
        "look at what `nvidia-smi` says; after an error of the hardware the machine must be started again" + ON_THE_CPU,
    )


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    return ascii(text[:300])[1:-1]


def _refused(code: str, message: str, help: str) -> RunError:
    return RunError(Diagnostic(code, message, help=help))
