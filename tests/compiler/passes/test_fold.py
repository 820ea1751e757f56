"""Folded constants have the bits that NumPy gives."""

from __future__ import annotations

import random

import numpy as np
import pytest

from compiler.ir.graph import Graph, Op, Output, apply
from compiler.ops.elementwise import Add, Constant, Div, Mul, Neg, Sqrt, Sub, constant
from compiler.passes.fold import fold, rounded
from tests.compiler.random_graphs import fresh_seed

KERNELS = {Add: np.add, Sub: np.subtract, Mul: np.multiply, Div: np.divide}


def folded(op: Op, *values: float, dtype: str = "f32") -> Op:
    node = apply(op, *(constant(v, dtype) for v in values))
    return fold(Graph((), (Output("out", node),))).outputs[0].node.op


@pytest.mark.parametrize("op", KERNELS)
def test_arithmetic_of_f32_rounds_as_numpy_does(op: type[Op]):
    seed = fresh_seed()
    print(f"seed {seed}")
    rng = random.Random(seed)
    for _ in range(300):
        x, y = (rng.choice((-1, 1)) * rng.random() * 10.0 ** rng.randint(-42, 18) for _ in range(2))
        with np.errstate(all="ignore"):
            wanted = KERNELS[op](np.float32(x), np.float32(y))
        made = folded(op(), x, y)
        if np.isfinite(wanted):
            assert made == Constant(float(wanted).hex(), "f32"), (x, y)
        else:
            assert made == op(), (x, y)


def test_square_root_and_sign_of_zero_are_kept():
    assert folded(Sqrt(), 2.0) == Constant(float(np.sqrt(np.float32(2))).hex(), "f32")
    assert folded(Sqrt(), -0.0, dtype="f64") == Constant((-0.0).hex(), "f64")
    assert folded(Neg(), 0.0) == Constant((-0.0).hex(), "f32")
    assert folded(Sqrt(), -1.0) == Sqrt()


def test_constant_too_large_for_f32_is_infinite():
    assert rounded(-1e39, "f32") == -np.inf
    assert rounded(1e39, "f64") == 1e39
