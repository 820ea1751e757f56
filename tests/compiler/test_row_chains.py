"""Steps along the same rows as one kernel: what is in it, and that it computes the same."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from compiler.emit.row_chains import FEW, NARROW, row_chains
from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.types import Type
from compiler.ops.elementwise import Add, Exp, Mul, Sub, constant
from compiler.ops.product import MatMul
from compiler.ops.reduction import Sum
from compiler.ops.shape import Broadcast, Reshape
from compiler.pipeline import compile_native
from compiler.plan.make import make_plan
from compiler.plan.plan import Place
from runtime.execute import Executor
from runtime.interpret import evaluate
from tests.runtime.native.kernels import all_shared, needs_numba, shared_backend

__all__ = ["all_shared"]

SHAPE = (128, 64)
SIZES: dict[str, int] = {}


def given(name: str, *shape: int) -> Node:
    type = Type("f64", shape)
    return Node(Input(name, "data", type), (), type)


X, OTHER, BIAS, SQUARE = given("x", *SHAPE), given("other", *SHAPE), given("bias", 64), given("square", 64, 64)


def of_rows(x: Node) -> Node:
    """A number of each row, for all of its columns."""
    return apply(Broadcast(SHAPE), apply(Sum((1,), keep=True), x))


def graph(*values: Node) -> Graph:
    return pipeline.optimize(
        Graph((X, OTHER, BIAS, SQUARE), tuple(Output(f"y{i}", value) for i, value in enumerate(values)))
    )


def centred(x: Node) -> Node:
    return apply(Sub(), x, apply(Mul(), of_rows(x), constant(1 / 64, "f64")))


def norm(x: Node) -> Node:
    d = centred(x)
    return apply(Mul(), d, of_rows(apply(Mul(), d, d)))


def softmax_gradient(y: Node, d: Node) -> Node:
    return apply(Mul(), y, apply(Sub(), d, of_rows(apply(Mul(), y, d))))


NORM = graph(norm(apply(Add(), apply(Add(), apply(MatMul(), X, SQUARE), BIAS), X)))
SOFTMAX = graph(softmax_gradient(X, OTHER))
BOTH = graph(norm(X), apply(MatMul(), centred(X), SQUARE))
SUMS_OF_SUMS = graph(norm(norm(X)))
COLUMNS = graph(apply(Sub(), centred(X), apply(Sum((0,)), centred(X))))
GRAPHS = {"norm": NORM, "softmax": SOFTMAX, "both": BOTH, "sums of sums": SUMS_OF_SUMS, "columns": COLUMNS}


def in_kernels(of: Graph) -> list[int]:
    """Of each kernel, how many steps it does."""
    return [len(chain.nodes) for chain in row_chains(make_plan(of, SIZES), ()).values() if chain is not None]


def written(of: Graph) -> list[list[str]]:
    """Of each kernel, what it writes."""
    found = [chain.done for chain in row_chains(make_plan(of, SIZES), ()).values() if chain is not None]
    return [[call.out.name for call in done.calls if isinstance(call.out, Place)] for done in found]


def test_bias_residual_and_norm_are_one_kernel_that_writes_the_result_alone():
    assert len(in_kernels(NORM)) == 1
    assert [len(each) for each in written(NORM)] == [1]


def test_gradient_of_a_softmax_is_one_kernel():
    assert [len(each) for each in written(SOFTMAX)] == [1]


def test_what_others_read_too_is_written():
    assert [len(each) for each in written(BOTH)] == [2]


def test_sum_of_columns_ends_a_kernel():
    (first,) = in_kernels(COLUMNS)
    assert first < len(make_plan(COLUMNS, SIZES).steps) - 1


@pytest.mark.parametrize("shape", [(FEW // NARROW - 1, NARROW), (1024, NARROW - 1)])
def test_few_numbers_and_short_rows_are_left(shape: tuple[int, int]):
    x = given("x", *shape)
    total = apply(Broadcast(shape), apply(Reshape((shape[0], 1)), apply(Sum((1,)), apply(Exp(), x))))
    assert in_kernels(pipeline.optimize(Graph((x,), (Output("y", apply(Sub(), x, total)),)))) == []


@needs_numba
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.usefixtures("all_shared")
def test_kernel_computes_what_the_steps_do(name: str, threads: int):
    of, rng = GRAPHS[name], np.random.default_rng(1)
    fed = {node.op.name: rng.standard_normal(node.type.shape) for node in of.inputs if isinstance(node.op, Input)}  # pyright: ignore[reportArgumentType]
    backend = shared_backend(threads)
    executor = Executor(backend, of, lambda g, s: compile_native(g, s, threads), {})
    for output, value in evaluate(of, fed, SIZES).items():
        found = executor.run(fed, SIZES)[output]
        np.testing.assert_allclose(found, value, rtol=1e-9, atol=1e-9 * np.max(np.abs(value)))
