"""Products with the picks of a maximum, where kernels are compiled."""

from __future__ import annotations

import numpy as np

from compiler.ir.graph import Input
from compiler.ir.verify import verify
from compiler.ops.distinct import PutPicks
from compiler.ops.picks import PicksMatMul, PicksOuter
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
