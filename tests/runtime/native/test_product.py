"""Matrix products in kernels: in tiles, by NumPy's BLAS, and where that is not found by the kernel itself."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from compiler.emit.product import TEXT
from runtime.native import backend
from runtime.native.blas import product_address
from tests.runtime.native.kernels import needs_numba, shared_backend

pytestmark = needs_numba

WIDTHS = {"f32": np.float32, "f64": np.float64}
SMALL = [(3, 5, 7)]
LARGE = [*product((4, 9, 13, 53, 100), (32, 47, 300), (1, 31, 257)), (12, 32, 600), (101, 601, 40)]
"""Rows, columns and k: parts of tiles, of panels and of blocks."""


def multiplied(native, dtype, a, a_turned, b, b_turned, c):
    """a @ b into c. All may be parts of wider matrices."""
    text = TEXT.format(dtype=dtype).replace("def kernel(", "def kernel_1(") + "\ndef bind("
    (m, n), k = c.shape, a.shape[0] if a_turned else a.shape[1]
    sides = [(x, x.strides[0] // x.itemsize, int(turned)) for x, turned in ((a, a_turned), (b, b_turned))]
    given = [x for side in sides for x in side]
    native(text).native("kernel_1", dtype, m, n, k, *given, c, c.strides[0] // c.itemsize)()


def is_numpys(native, dtype: str, sizes: tuple[int, int, int]) -> None:
    (m, n, k), rng = sizes, np.random.default_rng(sum(sizes))
    for a_turned, b_turned in product((False, True), repeat=2):
        a, b, c = (rng.normal(size=(max(sizes) + 3, max(sizes) + 5)).astype(WIDTHS[dtype]) for _ in range(3))
        x = a[2 : k + 2, 1 : m + 1] if a_turned else a[2 : m + 2, 1 : k + 1]
        y = b[1 : n + 1, 3 : k + 3] if b_turned else b[1 : k + 1, 3 : n + 3]
        around = c.copy()
        multiplied(native, dtype, x, a_turned, y, b_turned, c[1 : m + 1, 2 : n + 2])
        wanted = (x.T if a_turned else x).astype(np.float64) @ (y.T if b_turned else y).astype(np.float64)
        np.testing.assert_allclose(c[1 : m + 1, 2 : n + 2], wanted, rtol=1e-5, atol=1e-5 * k**0.5)
        around[1 : m + 1, 2 : n + 2] = c[1 : m + 1, 2 : n + 2]
        np.testing.assert_array_equal(c, around)


@pytest.mark.parametrize("sizes", SMALL + LARGE, ids=str)
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_product_is_numpys(dtype: str, sizes: tuple[int, int, int]):
    """Of parts of wider matrices, into a part of one."""
    is_numpys(shared_backend().native, dtype, sizes)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_product_needs_no_blas(dtype: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(backend, "product_address", lambda dtype: 0)
    alone = backend.native_backend()
    for sizes in (*SMALL, *LARGE[:4]):
        is_numpys(alone.native, dtype, sizes)


def test_row_of_a_product_is_the_same_whichever_rows_are_multiplied_with_it():
    """Threads share rows."""
    rng, native = np.random.default_rng(5), shared_backend().native
    for k, n in ((40, 64), (600, 70)):
        a, b = rng.normal(size=(61, k)).astype(np.float32), rng.normal(size=(k, n)).astype(np.float32)
        a[7, 3], b[2, 9] = np.inf, np.nan
        whole, part = np.zeros((2, 61, n), np.float32)
        multiplied(native, "f32", a, False, b, False, whole)
        for begin, end in ((0, 20), (20, 33), (33, 61)):
            multiplied(native, "f32", a[begin:end], False, b, False, part[begin:end])
        if product_tiled():
            np.testing.assert_array_equal(whole, part)
        np.testing.assert_allclose(whole, part, rtol=1e-5, atol=1e-5 * k**0.5)


def product_tiled() -> bool:
    from runtime.native.vectors import register_bytes

    return register_bytes() == 64


def test_blas_of_a_wheel_is_found():
    found = np.show_config(mode="dicts")
    name = found["Build Dependencies"]["blas"]["name"] if isinstance(found, dict) else ""
    if name != "scipy-openblas":
        pytest.skip(f"this NumPy has {name}")
    assert product_address("f32")
    assert product_address("f64")
    assert product_address("f32") != product_address("f64")
