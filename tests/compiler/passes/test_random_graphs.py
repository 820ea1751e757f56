"""Every pass, alone and in any order, on graphs that nobody chose. NNC_FUZZ=1000 for a long run."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from compiler.ir.graph import Graph, Input
from compiler.ir.parse import parse
from compiler.ir.text import same, show
from compiler.ir.verify import verify
from compiler.passes import PASSES, Pass, optimize
from runtime.interpret import evaluate
from tests.compiler.random_graphs import FUZZ, Array, feeds_for, fresh_seed, random_graph, random_sizes, real_positions

COUNT = FUZZ or 12
INEXACT = 1e-9
"""Of the largest value: a loss of significance in a random graph is nobody's mistake."""


def seeds() -> Iterator[int]:
    for _ in range(COUNT):
        seed = fresh_seed()
        print(f"seed {seed}")
        yield seed


def fed(graph: Graph, seed: int) -> tuple[dict[str, int], dict[str, Array]]:
    rng = np.random.default_rng(seed)
    sizes = random_sizes(rng)
    return sizes, feeds_for(graph, sizes, rng)


def assert_agree(before: Graph, after: Graph, seed: int, tolerance: float) -> None:
    sizes, feeds = fed(before, seed)
    wanted, found = evaluate(before, feeds, sizes), evaluate(after, feeds, sizes)
    assert set(wanted) == set(found)
    for output in before.outputs:
        real = real_positions(output.node.type, feeds["lengths.T"], sizes)
        a, b = wanted[output.name][real], found[output.name][real]
        scale = np.max(np.abs(a[np.isfinite(a)]), initial=1.0)
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance * scale, err_msg=output.name)


@pytest.mark.parametrize("one", PASSES, ids=[p.name for p in PASSES])
def test_pass_alone_changes_no_result(one: Pass):
    for seed in seeds():
        graph = random_graph(seed)
        after = one.run(graph)
        verify(after, spans=True)
        assert_agree(graph, after, seed, 0.0 if one.exact else INEXACT)


@pytest.mark.parametrize("one", PASSES, ids=[p.name for p in PASSES])
def test_pass_run_again_changes_nothing(one: Pass):
    for seed in seeds():
        once = one.run(random_graph(seed))
        assert show(one.run(once)) == show(once)


def test_passes_in_any_order_change_no_result():
    for seed in seeds():
        rng = random.Random(seed)
        graph = after = random_graph(seed)
        order = [rng.choice(PASSES) for _ in range(rng.randint(2, 8))]
        print([p.name for p in order])
        for one in order:
            after = one.run(after)
            verify(after, spans=True)
        assert_agree(graph, after, seed, INEXACT)


def test_text_of_random_graphs_parses_back():
    for seed in seeds():
        for graph in (random_graph(seed), optimize(random_graph(seed))):
            assert same(parse(show(graph)), graph)


@pytest.mark.parametrize("make", [random_graph, lambda seed, dropout: optimize(random_graph(seed, dropout))])
def test_rows_of_a_batch_are_what_each_is_alone(make: Callable[[int, bool], Graph]):
    """Padding never shows: not in a row's values, and not in the gradient, which is the sum of the rows' own."""
    for seed in seeds():
        graph = make(seed, False)
        verify(graph, spans=True)
        sizes, feeds = fed(graph, seed)
        together = evaluate(graph, feeds, sizes)
        lengths = feeds["lengths.T"]
        alone = [evaluate(graph, row_of(graph, feeds, i), {**sizes, "B": 1, "T": n}) for i, n in enumerate(lengths)]
        for name, value in together.items():
            if name.startswith("value."):
                for i, row in enumerate(alone):
                    own = tuple(slice(n) for n in row[name].shape[1:])
                    np.testing.assert_allclose(value[i][own], row[name][0], rtol=1e-9, atol=1e-9, err_msg=name)
            elif name == "loss" or name.startswith("gradient."):
                total = sum(row[name] for row in alone)
                # Rows that cancel each other leave the roundings of each.
                scale = max(1.0, *(float(np.abs(row[name]).max(initial=0.0)) for row in alone))
                np.testing.assert_allclose(value, total, rtol=1e-8, atol=1e-8 * scale, err_msg=name)


def row_of(graph: Graph, feeds: dict[str, Array], row: int) -> dict[str, Array]:
    """One row's feeds, without its padding."""
    length = int(feeds["lengths.T"][row])
    own = dict(feeds)
    for node in graph.inputs:
        if isinstance(node.op, Input) and node.op.kind in ("data", "lengths"):
            value = feeds[node.op.name][row : row + 1]
            own[node.op.name] = value[:, :length] if node.type.ragged == 1 else value
    return own
