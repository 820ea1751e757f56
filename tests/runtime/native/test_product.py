"""Matrix products in kernels: in tiles, by NumPy's BLAS, and where that is not found by the kernel itself."""

from __future__ import annotations

import ctypes
import mmap
from contextlib import ExitStack, contextmanager
from itertools import product
from threading import Barrier, Thread

import numpy as np
import pytest

from compiler.emit.product import TEXT
from runtime.native.blas import product_address
from runtime.native.cache import user_cache
from tests.runtime.native.kernels import shared_backend

pytest.importorskip("numba", reason="compiled kernels need Numba")
from runtime.native import backend
from runtime.native.tiles import VECTOR_BYTES
from runtime.native.vectors import register_bytes

WIDTHS = {"f32": np.float32, "f64": np.float64}
SMALL = [(3, 5, 7)]
LARGE = [*product((4, 9, 13, 53, 100), (32, 47, 300), (1, 31, 257)), (12, 32, 600), (101, 601, 40)]
"""Rows, columns and k: parts of tiles, of panels and of blocks."""


def multiplied(native, dtype, a, a_turned, b, b_turned, c):
    """a @ b into c. All may be parts of wider matrices."""
    text = TEXT.replace("def kernel(", "def kernel_1(") + "\ndef bind("
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
        np.testing.assert_allclose(c[1 : m + 1, 2 : n + 2], wanted, rtol=1e-5, atol=1e-6 * max(1, k / 7))
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
    for sizes in (*SMALL, (3, 40, 9), (50, 31, 9), (1, 1, 1), *LARGE[:4]):
        is_numpys(alone.native, dtype, sizes)


needs_tiles = pytest.mark.skipif(register_bytes() != VECTOR_BYTES, reason="wants vectors of 512 bits")


@needs_tiles
@pytest.mark.parametrize(("k", "n"), [(40, 64), (600, 70)])
def test_row_of_a_product_is_the_same_whichever_rows_are_multiplied_with_it(k: int, n: int):
    """Threads share rows."""
    rng, native = np.random.default_rng(5), shared_backend().native
    a, b = rng.normal(size=(61, k)).astype(np.float32), rng.normal(size=(k, n)).astype(np.float32)
    a[7, 3], b[2, 9] = np.inf, np.nan
    whole, part = np.zeros((2, 61, n), np.float32)
    multiplied(native, "f32", a, False, b, False, whole)
    for begin, end in ((0, 20), (20, 33), (33, 61)):
        multiplied(native, "f32", a[begin:end], False, b, False, part[begin:end])
    np.testing.assert_array_equal(whole, part)


def test_product_touches_nothing_beside_its_matrices():
    """Each lies between pages that may not be read, at their beginning or at their end."""
    native = shared_backend().native
    sizes = [*product((4, 9, 13, 30, 50), (32, 33, 47, 80), (1, 5, 16, 33)), (53, 100, 257), (12, 300, 40)]
    with ExitStack() as pages:
        a, b, c = (pages.enter_context(between_closed_pages(2**18)) for _ in range(3))
        for (m, n, k), a_turned, b_turned, at_end in product(sizes, *[(False, True)] * 3):
            shapes = ((k, m) if a_turned else (m, k), (n, k) if b_turned else (k, n), (m, n))
            x, y, z = (matrix(page, shape, at_end) for page, shape in zip((a, b, c), shapes, strict=True))
            multiplied(native, "f32", x, a_turned, y, b_turned, z)


def matrix(page, shape: tuple[int, int], at_end: bool):
    count = shape[0] * shape[1]
    return (page[-count:] if at_end else page[:count]).reshape(shape)


@contextmanager
def between_closed_pages(size: int):
    around = mmap.mmap(-1, size + 2 * mmap.PAGESIZE)
    whole = np.frombuffer(around, np.float32)
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
    closed = [whole.ctypes.data, whole.ctypes.data + mmap.PAGESIZE + size]
    for page in closed:
        assert protect(page, mmap.PAGESIZE, 0) == 0
    try:
        yield whole[mmap.PAGESIZE // 4 : -mmap.PAGESIZE // 4]
    finally:
        for page in closed:
            protect(page, mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE)


def test_threads_that_bind_their_first_products_together_share_what_multiplies():
    """A call has the address of it."""
    functions = backend.Functions(user_cache())
    functions.function(backend.PRODUCT.format(dtype="f32"))
    together, found = Barrier(8), []

    def ask() -> None:
        together.wait()
        found.append(functions.product("f32"))

    threads = [Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {id(each) for each in found} == {id(functions.product("f32"))}


def test_blas_of_a_wheel_is_found():
    found = np.show_config(mode="dicts")
    name = found["Build Dependencies"]["blas"]["name"] if isinstance(found, dict) else ""
    if name != "scipy-openblas":
        pytest.skip(f"this NumPy has {name}")
    assert product_address("f32")
    assert product_address("f64")
    assert product_address("f32") != product_address("f64")
