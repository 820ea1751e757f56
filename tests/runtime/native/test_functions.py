"""Functions that kernels compute for many numbers at once: how far they are off, and where numbers end."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from tests.runtime.native.kernels import needs_numba, shared_backend

pytestmark = needs_numba

Array = np.ndarray

KERNEL = """\
def kernel_1(p):
    n = p[0]
    x, y = f32(p[1], n), f32(p[2], n)
    for j in range(n):
        y[j] = FUNCTION_f32(x[j])


def bind(np, k, at, w):
"""


def computed(function: str, x: Array) -> Array:
    y = np.empty_like(x)
    native = shared_backend().native
    assert native is not None
    native(KERNEL.replace("FUNCTION", function)).native("kernel_1", len(x), x, y)()
    return y


def ulps(found: Array, wanted: Array) -> float:
    """The largest error, in units in the last place of what is wanted; wanted is in float64."""
    return float(np.max(np.abs(found - wanted) / np.spacing(np.abs(wanted.astype(np.float32)))))


def around() -> Array:
    """Numbers of every size, both signs."""
    sizes = 10.0 ** np.linspace(-37, 1.3, 50_000)
    return np.concatenate([-sizes[::-1], sizes]).astype(np.float32)


def erf(x: Array) -> Array:
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def sigmoid(x: Array) -> Array:
    return 0.5 * np.tanh(0.5 * x) + 0.5


@pytest.mark.parametrize(
    ("function", "formula", "x", "most"),
    [
        ("exp", np.exp, np.linspace(-103, 88.7, 100_001, dtype=np.float32), 2),
        ("tanh", np.tanh, around(), 5),
        ("erf", erf, around(), 2),
        ("erf", erf, np.linspace(-4.5, 4.5, 100_001, dtype=np.float32), 2),
        ("sigmoid", sigmoid, np.linspace(0, 80, 100_001, dtype=np.float32), 4),
        ("softplus", lambda x: np.logaddexp(x, 0), np.linspace(-80, 80, 100_001, dtype=np.float32), 4),
    ],
)
def test_function_is_so_near(function: str, formula: Callable[[Array], Array], x: Array, most: float):
    assert ulps(computed(function, x), formula(x.astype(np.float64))) <= most


def test_sigmoid_of_what_is_below_zero_is_as_near_as_numpys():
    x = np.linspace(-100, 0, 100_001, dtype=np.float32)
    assert np.abs(computed("sigmoid", x) - sigmoid(x.astype(np.float64))).max() <= 2**-22


@pytest.mark.parametrize(
    ("function", "formula"),
    [
        ("exp", np.exp),
        ("tanh", np.tanh),
        ("erf", erf),
        ("sigmoid", sigmoid),
        ("softplus", lambda x: np.logaddexp(x, 0)),
        ("relu", lambda x: np.maximum(x, 0)),
        ("sign", np.sign),
        ("sqrt", np.sqrt),
        ("log", np.log),
    ],
)
def test_function_ends_as_numpys_does(function: str, formula: Callable[[Array], Array]):
    x = np.array([np.nan, np.inf, -np.inf, 0, 100, -200, 1e38, -1e38, 1e-42], np.float32)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(computed(function, x), formula(x), rtol=1e-6, atol=1e-44)
