"""Loops as programs: what the interpreter computes, on the host and on what stands in for a GPU, optimized and not."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.ir.graph import Graph
from compiler.ir.verify import verify
from compiler.ops.scan import Scan
from compiler.passes import optimize
from compiler.pipeline import compile_bucket
from runtime.backend import Backend
from runtime.execute import Executor
from runtime.interpret import evaluate
from runtime.numpy_backend import numpy_backend
from tests.compiler.random_graphs import real_positions
from tests.compiler.random_scans import random_scan
from tests.compiler.test_scan_gradient import fed, with_gradients
from tests.runtime.strict_backend import strict_backend

SEEDS = range(60)
SIZES = {"B": 3, "T": 4}


def run(graph: Graph, feeds: dict[str, np.ndarray], backend: Backend) -> dict[str, np.ndarray]:
    weights = [n for n in graph.inputs if n.op.kind == "weight"]
    store = {n.op.name: backend.to_device(feeds[n.op.name].copy()) for n in weights}
    executor = Executor(backend, graph, compile_bucket, store)
    executor.run(feeds, SIZES)
    # The second run finds in memory what the first one left.
    return {name: value.copy() for name, value in executor.run(feeds, SIZES).items()}


def assert_near(graph: Graph, feeds: dict[str, np.ndarray], *computed: dict[str, np.ndarray]) -> None:
    """That all are what the graph computes, but for what stands in the padding."""
    wanted = evaluate(graph, feeds, SIZES)
    for found in computed:
        assert found.keys() == wanted.keys()
        for output in graph.outputs:
            name, real = output.name, real_positions(output.node.type, feeds["lengths.T"], SIZES)
            np.testing.assert_allclose(found[name][real], wanted[name][real], rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("seed", SEEDS)
def test_program_of_a_scan_computes_what_the_interpreter_does(seed: int):
    graph = with_gradients(*random_scan(seed))
    feeds = fed(graph, SIZES, seed)
    found, wanted = run(graph, feeds, numpy_backend()), evaluate(graph, feeds, SIZES)
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.parametrize("seed", SEEDS)
def test_optimized_scan_computes_the_same(seed: int):
    graph = with_gradients(*random_scan(seed))
    feeds = fed(graph, SIZES, seed)
    optimized = optimize(graph)
    verify(optimized)
    assert_near(graph, feeds, evaluate(optimized, feeds, SIZES), run(optimized, feeds, numpy_backend()))


@pytest.mark.parametrize("seed", range(20))
def test_scan_on_a_device_computes_the_same(seed: int):
    graph = with_gradients(*random_scan(seed))
    feeds = fed(graph, SIZES, seed)
    assert_near(graph, feeds, run(optimize(graph), feeds, strict_backend()))


@pytest.mark.parametrize("seed", range(20))
def test_forward_loop_runs_once_for_its_values_and_its_gradient(seed: int):
    graph = with_gradients(*random_scan(seed))
    assert [type(n.op) for n in graph.nodes()].count(Scan) == 3
    assert [type(n.op) for n in optimize(graph).nodes()].count(Scan) == 2


def test_step_of_a_loop_allocates_nothing():
    """Every array of the program is a view of the arena, made when it is bound."""
    graph = optimize(with_gradients(*random_scan(2)))
    source, _ = compile_bucket(graph, SIZES)
    loops = [
        line for line in source.split("\n") if line.startswith("            ") and "#" not in line and "if " not in line
    ]
    assert loops
    assert all("out=" in line or line.strip().startswith("k.") or "copyto" in line for line in loops)
