"""Matrix products in kernels: by NumPy's BLAS, and where that is not found by the kernel itself."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.emit.product import TEXT
from runtime.native.blas import product_address
from tests.runtime.native.kernels import needs_numba, shared_backend

pytestmark = needs_numba


@pytest.mark.parametrize("blas", [True, False], ids=["BLAS", "without"])
@pytest.mark.parametrize("turned", [(0, 0), (1, 0), (0, 1)])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_product_is_numpys(dtype: str, turned: tuple[int, int], blas: bool):
    """Of parts of wider matrices, into a part of one."""
    rng = np.random.default_rng(0)
    width = {"f32": np.float32, "f64": np.float64}[dtype]
    a, b, c = (rng.normal(size=(20, 20)).astype(width) for _ in range(3))
    a_part = a[:7, :3] if turned[0] else a[:3, :7]
    b_part = b[:5, :7] if turned[1] else b[:7, :5]
    around = c.copy()
    native = shared_backend().native
    assert native is not None
    text = TEXT.format(dtype=dtype).replace("def kernel(", "def kernel_1(") + "\ndef bind("
    given = dtype if blas else 0
    native(text).native("kernel_1", given, 3, 5, 7, a, 20, turned[0], b, 20, turned[1], c, 20)()
    wanted = (a_part.T if turned[0] else a_part) @ (b_part.T if turned[1] else b_part)
    np.testing.assert_allclose(c[:3, :5], wanted, rtol=1e-5, atol=1e-6)
    around[:3, :5] = c[:3, :5]
    np.testing.assert_array_equal(c, around)


def test_blas_of_a_wheel_is_found():
    found = np.show_config(mode="dicts")
    name = found["Build Dependencies"]["blas"]["name"] if isinstance(found, dict) else ""
    if name != "scipy-openblas":
        pytest.skip(f"this NumPy has {name}")
    assert product_address("f32")
    assert product_address("f64")
    assert product_address("f32") != product_address("f64")
