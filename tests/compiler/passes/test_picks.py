"""Products with the picks of a maximum, where kernels are compiled."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.ir.graph import Graph, Input, Output, apply
from compiler.ir.verify import verify
from compiler.ops.distinct import PutPicks
from compiler.ops.elementwise import Mul
from compiler.ops.picks import PicksMatMul, PicksOuter
from compiler.ops.reduction import Sum
from compiler.passes import optimize
from compiler.passes.picks import LONG, picks
from compiler.pipeline import compile_native
from runtime.execute import Executor
from runtime.interpret import evaluate
from tests.compiler.passes.test_distinct import DILATED, NARROW, WIDE, network
from tests.compiler.random_graphs import feeds_for
from tests.runtime.native.kernels import needs_numba, shared_backend

SIZES = {"B": 3, "T": LONG, "V": 50}


def test_rows_of_picks_are_never_written_where_texts_are_long():
    graph = optimize(network(NARROW, WIDE, DILATED))
    after = picks(graph, SIZES)
    verify(after)
    ops = [type(n.op) for n in after.nodes()]
    assert ops.count(PicksOuter) == ops.count(PicksMatMul) == 3
    assert PutPicks not in ops
    feeds = feeds_for(graph, SIZES, np.random.default_rng(1))
    wanted, found = evaluate(graph, feeds, SIZES), evaluate(after, feeds, SIZES)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12, err_msg=name)


def test_short_texts_are_left_to_products_of_all_words():
    graph = optimize(network(NARROW))
    assert picks(graph, {**SIZES, "T": LONG - 1}) is graph


@needs_numba
def test_convolution_of_long_texts_and_its_gradients_agree_with_compiled_kernels():
    graph = optimize(network(NARROW, WIDE, DILATED))
    feeds = feeds_for(graph, SIZES, np.random.default_rng(2))
    weights = {n.op.name: feeds[n.op.name] for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "weight"}
    executor = Executor(shared_backend(), graph, compile_native, weights)
    assert any(isinstance(step.node.op, PicksOuter) for step in executor.plan(SIZES).steps)
    found = executor.run(feeds, SIZES)
    for name, value in evaluate(graph, feeds, SIZES).items():
        np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12, err_msg=name)


@needs_numba
@pytest.mark.parametrize("seed", range(3))
def test_norm_of_a_gradient_that_is_several_products_one_after_the_other_is_that_of_its_rows(seed: int):
    """What an earlier batch left behind the rows does not count: each product goes on where the one before wrote."""
    graph = optimize(with_norm(network(NARROW, WIDE, DILATED)))
    rng = np.random.default_rng(seed)
    many = feeds_for(graph, SIZES, rng)
    weights = {n.op.name: many[n.op.name] for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "weight"}
    executor = Executor(shared_backend(), graph, compile_native, weights)
    few = many | {"text": np.minimum(many["text"], 2)}
    for feeds in (many, few):
        found = executor.run(feeds, SIZES)
        np.testing.assert_allclose(found["norm"], evaluate(graph, feeds, SIZES)["norm"], rtol=1e-10)


def with_norm(graph: Graph) -> Graph:
    """The graph, and the sum of the squares of its table's gradient."""
    gradient = next(o.node for o in graph.outputs if o.name == "gradient.0").inputs[0]
    norm = apply(Sum((0, 1)), apply(Mul(), gradient, gradient))
    return Graph(graph.inputs, (*graph.outputs, Output("norm", norm)))
