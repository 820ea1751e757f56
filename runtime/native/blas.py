"""NumPy's own matrix product, as an address that a kernel can call: the same library, with the same threads.

For what `products` leaves to it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

NAMES = {"f32": ("scipy_cblas_sgemm64_", "cblas_sgemm64_"), "f64": ("scipy_cblas_dgemm64_", "cblas_dgemm64_")}
"""Those whose sizes have 64 bits, as wheels of NumPy bring them."""


@cache
def product_address(dtype: str) -> int:
    """0 where NumPy brings no library that is known; a kernel then multiplies by itself."""
    return _address(NAMES[dtype])


@cache
def thread_addresses() -> tuple[int, int]:
    """Functions that say how many threads a product takes, and that change it; 0 and 0 where there are none."""
    found = tuple(_address((f"scipy_openblas_{word}_num_threads64_", f"openblas_{word}_num_threads64_"))
                  for word in ("get", "set"))  # fmt: skip
    return (found[0], found[1]) if all(found) else (0, 0)


def _address(names: Sequence[str]) -> int:
    for library in _libraries():
        for name in names:
            if hasattr(library, name):
                return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    return 0


def _libraries() -> Iterator[ctypes.CDLL]:
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for path in sorted(folder.glob("*openblas*")) if folder.is_dir() else ():
            with suppress(OSError):
                yield ctypes.CDLL(str(path))
