"""The gradient of loops: against central differences, whatever the body is."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.autodiff import gradients
from compiler.ir.graph import Graph, Output
from compiler.ir.parse import parse
from compiler.ir.text import same, show
from compiler.ir.verify import verify
from compiler.ops.scan import Scan
from runtime.interpret import evaluate
from tests.compiler.random_graphs import real_positions
from tests.compiler.random_scans import LENGTHS, random_scan

STEP = 1e-6
SEEDS = range(40)


def fed(graph: Graph, sizes: dict[str, int], seed: int) -> dict[str, np.ndarray]:
    """What stands in the padding is no number: nothing may come of it."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, sizes.get("T", 1) + 1, sizes["B"])
    feeds: dict[str, np.ndarray] = {"lengths.T": lengths}
    for node in graph.inputs:
        if node is not LENGTHS:
            shape = tuple(d if isinstance(d, int) else sizes[str(d)] for d in node.type.shape)
            feeds[node.op.name] = rng.normal(size=shape)
            feeds[node.op.name][~real_positions(node.type, lengths, sizes)] = 1e3
    return feeds


def with_gradients(graph: Graph, wrt: list) -> Graph:
    loss = graph.outputs[0].node
    found = gradients(loss, wrt, {"T": LENGTHS})
    outputs = [Output(f"d.{n.op.name}", g) for n, g in zip(wrt, found, strict=True) if g is not None]
    return Graph(graph.inputs, (*graph.outputs, *outputs))


@pytest.mark.parametrize("fixed", [False, True], ids=["ragged", "fixed"])
@pytest.mark.parametrize("seed", SEEDS)
def test_gradient_of_a_scan_is_that_of_its_values(seed: int, fixed: bool):
    graph, wrt = random_scan(seed, 3) if fixed else random_scan(seed)
    sizes = {"B": 3, "T": 4}
    feeds = fed(graph, sizes, seed)
    both = with_gradients(graph, wrt)
    verify(both)
    found = evaluate(both, feeds, sizes)
    for node in wrt:
        analytic = found.get(f"d.{node.op.name}")
        value = feeds[node.op.name]
        numeric = np.zeros_like(value)
        for at in np.ndindex(value.shape):
            sides = []
            for sign in (1, -1):
                moved = value.copy()
                moved[at] += sign * STEP
                sides.append(evaluate(graph, {**feeds, node.op.name: moved}, sizes)["loss"])
            numeric[at] = (sides[0] - sides[1]) / (2 * STEP)
        if analytic is None:
            np.testing.assert_array_equal(numeric, 0)
            continue
        mine = real_positions(node.type, feeds["lengths.T"], sizes)
        np.testing.assert_allclose(analytic[mine], numeric[mine], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("seed", range(10))
def test_scan_and_its_gradient_read_back_from_their_text(seed: int):
    graph = with_gradients(*random_scan(seed))
    again = parse(show(graph))
    verify(again)
    assert same(again, graph)
    assert show(again) == "\n".join(line.partition("#")[0].rstrip() for line in show(graph).split("\n"))


def test_gradient_of_a_gradient_is_that_of_its_values():
    graph, wrt = random_scan(3)
    sizes = {"B": 2, "T": 3}
    feeds = fed(graph, sizes, 3)
    first = with_gradients(graph, wrt)
    by_first = next(o.node for o in first.outputs if o.name == "d.first0")
    from compiler.ir.graph import apply
    from compiler.ops.elementwise import Mul
    from compiler.ops.reduction import Sum

    square = apply(Sum((0, 1)), apply(Mul(), by_first, by_first))
    scalar = Graph(graph.inputs, (Output("loss", square),))
    both = with_gradients(scalar, wrt)
    verify(both)
    found = evaluate(both, feeds, sizes)
    node = wrt[0]
    value = feeds[node.op.name]
    for at in np.ndindex(value.shape):
        sides = []
        for sign in (1, -1):
            moved = value.copy()
            moved[at] += sign * STEP
            sides.append(evaluate(scalar, {**feeds, node.op.name: moved}, sizes)["loss"])
        np.testing.assert_allclose(found["d.first0"][at], (sides[0] - sides[1]) / (2 * STEP), rtol=1e-5, atol=1e-7)


def test_gradient_of_a_scan_is_a_scan_the_other_way():
    graph, wrt = random_scan(1)
    scans = [n.op for n in with_gradients(graph, wrt).nodes() if isinstance(n.op, Scan)]
    assert {op.reverse for op in scans} == {True, False}
