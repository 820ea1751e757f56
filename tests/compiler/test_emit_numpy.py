"""The emitted program, as a student reads it."""

from __future__ import annotations

import math
from textwrap import dedent

import pytest

from compiler.autodiff import gradients
from compiler.emit.numpy import emit
from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.types import BATCH, Type
from compiler.ops import elementwise as e
from compiler.ops.elementwise import constant
from compiler.ops.product import MatMul
from compiler.ops.reduction import Sum
from compiler.passes import optimize
from compiler.plan import groups, make_plan
from dsl.source import Span

DENSE = Span("f.nn", 3, 3, 3, 15, "  dense 4 tanh")
TRAIN = Span("f.nn", 6, 9, 6, 20, "train { sgd lr=0.1 }")


PROGRAM = """\
# 3  dense 4 tanh
np.matmul(point, dense_weight, out=mat_mul_4)
np.add(mat_mul_4, dense_bias, out=mat_mul_4)
np.tanh(mat_mul_4, out=mat_mul_4)
np.add.reduce(mat_mul_4, axis=(0, 1), out=sum_7)

# gradient of: 3  dense 4 tanh
np.multiply(mat_mul_4, mat_mul_4, out=mat_mul_4)
np.subtract(F1_0, mat_mul_4, out=mat_mul_4)
np.add.reduce(mat_mul_4, axis=0, out=concat_9_part)
np.matmul(point.T, mat_mul_4, out=concat_9_part_2)

# 6  train { sgd lr=0.1 }
np.multiply(concat_9, F0_1, out=concat_9)
np.subtract(flat_1, concat_9, out=flat_1)"""


def perceptron() -> Graph:
    x = apply(Input("point", "data", Type("f32", (BATCH, 2))))
    w, b = (apply(Input(f"dense.{n}", "weight", Type("f32", s))) for n, s in (("weight", (2, 4)), ("bias", (4,))))
    y = apply(e.Tanh(), apply(e.Add(), apply(MatMul(), x, w, span=DENSE), b, span=DENSE), span=DENSE)
    loss = apply(Sum((0, 1)), y, span=DENSE)
    outputs = [Output("loss", loss)]
    for weight, gradient in zip((w, b), gradients(loss, (w, b), {}), strict=True):
        assert gradient is not None
        outputs.append(updated(weight, gradient))
    return Graph((x, w, b), tuple(outputs))


def updated(weight: Node, gradient: Node) -> Output:
    assert isinstance(weight.op, Input)
    step = apply(e.Mul(), gradient, constant(0.1, "f32"), span=TRAIN)
    return Output(weight.op.name, apply(e.Sub(), weight, step, span=TRAIN), weight.op.name)


def test_program_is_straight_line_numpy_under_the_lines_of_the_spec():
    source = emit(make_plan(optimize(perceptron()), {"B": 3}))
    body = dedent(source[source.index("        # 3") : source.index("    return")]).strip()
    assert body == PROGRAM


def test_program_of_the_same_graph_is_the_same():
    assert emit(make_plan(optimize(perceptron()), {"B": 3})) == emit(make_plan(optimize(perceptron()), {"B": 3}))


def test_large_group_runs_in_blocks_and_a_small_one_does_not():
    for rows, loops in ((groups.WORTH_BLOCKS // 4, False), (groups.WORTH_BLOCKS // 4 + 1, True)):
        source = emit(make_plan(optimize(perceptron()), {"B": rows}))
        assert ("for mat_mul_4_, dense_bias_ in blocks_" in source) == loops


@pytest.mark.parametrize("size", [2, 5000])
def test_constants_keep_their_bits(size: int):
    """Beside few numbers as arrays, which are made once."""
    x = apply(Input("x", "data", Type("f64", (size,))))
    for value in (0.1, -0.0, 1e-300, float("inf"), float("-inf"), float("nan"), 5e-324):
        source = emit(make_plan(Graph((x,), (Output("y", apply(e.Maximum(), x, constant(value, "f64"))),)), {}))
        made = "k.number(np, " in source
        assert made == (size == 2 and math.isfinite(value))
        before, behind = ("k.number(np, ", ", np.float64)") if made else ("np.maximum(x, ", ", out=")
        text = source.partition(before)[2].partition(behind)[0]
        assert float(text.removeprefix("np.").replace("-np.", "-")).hex() == value.hex()
