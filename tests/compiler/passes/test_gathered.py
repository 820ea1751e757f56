"""Rows that are looked up for one product each, where kernels are compiled."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.types import BATCH, Type, symbol
from compiler.ir.verify import verify
from compiler.ops.elementwise import Mul
from compiler.ops.gathered import GatherDot, GatherSum, ScatterOuter
from compiler.ops.lookup import Dense, Gather, ScatterRows
from compiler.ops.reduction import Sum
from compiler.ops.shape import Reshape
from compiler.passes import optimize
from compiler.passes.gathered import gathered
from compiler.pipeline import check, compile_native, training_step
from runtime.execute import Executor
from runtime.interpret import evaluate
from tests.compiler.random_graphs import feeds_for
from tests.runtime.native.kernels import needs_numba, shared_backend

SIZES = {"B": 3, "T": 5, "V": 9, "L.center": 4}
BAG = """
model cbow(context: bag(word)) -> center: word(vocabulary=context) {{
  embed 4 as vectors
  mean
  dense {head}
}}
data {{ train "a.txt" windows=cbow radius=2 }}
train {{ sgd lr=0.1 ; clip norm=1 }}
"""


def step(head: str) -> Graph:
    return optimize(training_step(check(BAG.format(head=head), "m.nn", dtype="f64")).graph)


@pytest.mark.parametrize("head", ["negatives=3", "hierarchical"])
def test_word_vectors_need_no_copy_of_a_row(head: str):
    graph = step(head)
    after = gathered(graph)
    verify(after)
    ops = [type(n.op) for n in after.nodes()]
    assert (ops.count(GatherDot), ops.count(GatherSum), ops.count(ScatterOuter)) == (1, 2, 2)
    assert Gather not in ops
    assert ScatterRows not in ops
    feeds = feeds_for(graph, SIZES, np.random.default_rng(1))
    wanted, found = evaluate(graph, feeds, SIZES), evaluate(after, feeds, SIZES)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12, err_msg=name)


@needs_numba
@pytest.mark.parametrize("head", ["negatives=3", "hierarchical"])
def test_a_step_of_word_vectors_agrees_with_compiled_kernels(head: str):
    graph = step(head)
    feeds = feeds_for(graph, SIZES, np.random.default_rng(2))
    wanted = evaluate(graph, feeds, SIZES)
    weights = {n.op.name: feeds[n.op.name] for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "weight"}
    executor = Executor(shared_backend(), graph, compile_native, weights)
    assert any(isinstance(s.node.op, ScatterOuter) for s in executor.plan(SIZES).steps)
    found = {**executor.run(feeds, SIZES), **{f"{name}'": value for name, value in weights.items()}}
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12, err_msg=name)


V = symbol("V")
TABLE = apply(Input("table", "weight", Type("f64", (V, 3))))
IDS = apply(Input("ids", "data", Type("i64", (BATCH, 4))))
ROWS = apply(Gather(), TABLE, IDS)


def times(rows: Node, shape: tuple[object, ...]) -> Node:
    """The rows times a matrix that is spread out in that shape."""
    other = apply(Input("x", "data", Type("f64", tuple(d for d in shape if d != 1))))
    return apply(Mul(), rows, apply(Reshape(shape), other))


@pytest.mark.parametrize(
    "node",
    [
        apply(Sum((2,)), times(ROWS, (BATCH, 4, 1))),
        apply(Sum((1,)), times(ROWS, (BATCH, 1, 3))),
        apply(Sum((1,), keep=True), ROWS),
        apply(Sum((1,)), apply(Gather(computed=True), TABLE, IDS)),
        apply(Sum((2,)), ROWS),
    ],
)
def test_other_sums_of_rows_are_left_alone(node: Node):
    graph = Graph((), (Output("y", node),))
    assert gathered(graph) is graph


def test_a_product_that_is_read_itself_is_written():
    product = times(ROWS, (BATCH, 1, 3))
    graph = Graph((), (Output("y", apply(Sum((2,)), product)), Output("z", apply(Sum((0,)), product))))
    assert gathered(graph) is graph


TABLE = Node(Input("t", "weight", Type("f64", (9, 5))), (), Type("f64", (9, 5)))
IDS = Node(Input("ids", "data", Type("i64", (4, 3))), (), Type("i64", (4, 3)))


def data(name: str, *shape: int) -> Node:
    return Node(Input(name, "data", Type("f64", shape)), (), Type("f64", shape))


def spread(x: Node, axis: int) -> Node:
    shape = [*x.type.shape]
    shape.insert(axis, 1)
    return apply(Reshape(tuple(shape)), x)


@pytest.mark.parametrize(("axis", "shape"), [(2, (4, 1)), (2, (1, 5)), (1, (4, 1)), (1, (1, 3))])
def test_factor_that_is_repeated_along_an_axis_is_left_alone(axis: int, shape: tuple[int, ...]):
    x = data("x", *shape)
    out = apply(Sum((axis,)), apply(Mul(), apply(Gather(), TABLE, IDS), spread(x, 3 - axis)))
    graph = Graph((TABLE, IDS, x), (Output("out", out),))
    assert [type(n.op) for n in gathered(graph).nodes()] == [type(n.op) for n in graph.nodes()]


def test_row_that_is_repeated_for_all_examples_is_left_alone():
    x, by = data("x", 1, 5), data("by", 4, 3)
    out = apply(ScatterRows(9), IDS, apply(Mul(), spread(by, 2), spread(x, 1)))
    graph = Graph((IDS, x, by), (Output("out", apply(Dense(), out)),))
    assert [type(n.op) for n in gathered(graph).nodes()] == [type(n.op) for n in graph.nodes()]
