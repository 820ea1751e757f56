"""NumPy's own matrix product, as an address that a kernel can call: the same library, with the same threads."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

NAMES = {"f32": ("scipy_cblas_sgemm64_", "cblas_sgemm64_"), "f64": ("scipy_cblas_dgemm64_", "cblas_dgemm64_")}
"""Those whose sizes have 64 bits, as wheels of NumPy bring them."""


@cache
def product_address(dtype: str) -> int:
    """0 where NumPy brings no library that is known; a kernel then multiplies by itself."""
    for path in _libraries():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for name in NAMES[dtype]:
            if hasattr(library, name):
                return ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0
    return 0


def _libraries() -> Iterator[Path]:
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        if folder.is_dir():
            yield from sorted(folder.glob("*openblas*"))
