"""Programs against the interpreter: same values, same updates, and no memory but what was planned."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from compiler.emit.numpy import emit
from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.types import BATCH, Dtype, Type, symbol, value_of
from compiler.ops import elementwise as e
from compiler.ops.product import MatMul
from compiler.ops.shape import Reshape, Transpose
from compiler.passes import optimize
from compiler.plan import Plan, groups, make_plan
from dsl.errors import InternalError
from runtime.execute import Arena, Executor
from runtime.interpret import evaluate
from runtime.numpy_backend import numpy_backend
from tests.compiler.random_graphs import FUZZ, Array, feeds_for, fresh_seed, random_graph, random_sizes, real_positions

COUNT = FUZZ or 25
TOLERANCE = 1e-12
"""Of the largest value: the same operations in the same order, but for how BLAS is called."""


def compile_bucket(graph: Graph, sizes: Mapping[str, int]) -> tuple[str, Plan]:
    plan = make_plan(graph, sizes)
    return emit(plan), plan


def input_node(name: str, kind: str, *shape: object, dtype: Dtype = "f64") -> Node:
    return apply(Input(name, kind, Type(dtype, shape)))  # type: ignore[arg-type]


def executor_of(graph: Graph, store: dict[str, Array]) -> Executor:
    return Executor(numpy_backend(), graph, compile_bucket, store)


def separated(graph: Graph, feeds: Mapping[str, Array]) -> tuple[dict[str, Array], dict[str, Array]]:
    """What is fed each time, and copies of what is stored."""
    kept = {n.op.name for n in graph.inputs if isinstance(n.op, Input) and n.op.kind in ("weight", "state")}
    store = {name: np.array(value) for name, value in feeds.items() if name in kept}
    return {name: value for name, value in feeds.items() if name not in kept}, store


def assert_program_agrees(graph: Graph, sizes: dict[str, int], feeds: dict[str, Array]) -> None:
    wanted = evaluate(graph, feeds, sizes)
    fed, store = separated(graph, feeds)
    found = executor_of(graph, store).run(fed, sizes)
    for output in graph.outputs:
        value = found[output.name] if output.update is None else store[output.update]
        real = real_positions(output.node.type, feeds.get("lengths.T", np.ones(1, np.int64)), sizes)
        a, b = wanted[output.name][real], value[real]
        scale = np.max(np.abs(a[np.isfinite(a)]), initial=1.0)
        np.testing.assert_allclose(b, a, rtol=TOLERANCE, atol=TOLERANCE * scale, err_msg=output.name)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "BLOCK", 3)
    monkeypatch.setattr(groups, "WORTH_BLOCKS", 3)


@pytest.mark.parametrize("prepare", [lambda graph: graph, optimize], ids=["as it is", "optimized"])
def test_program_computes_what_the_interpreter_does(prepare: Callable[[Graph], Graph]):
    for _ in range(COUNT):
        seed = fresh_seed()
        print(f"seed {seed}")
        rng = np.random.default_rng(seed)
        graph = prepare(random_graph(seed))
        sizes = random_sizes(rng)
        assert_program_agrees(graph, sizes, feeds_for(graph, sizes, rng))


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("prepare", [lambda graph: graph, optimize], ids=["as it is", "optimized"])
def test_program_in_blocks_computes_what_the_interpreter_does(prepare: Callable[[Graph], Graph]):
    for _ in range(COUNT):
        seed = fresh_seed()
        print(f"seed {seed}")
        rng = np.random.default_rng(seed)
        graph = prepare(random_graph(seed))
        sizes = random_sizes(rng)
        assert_program_agrees(graph, sizes, feeds_for(graph, sizes, rng))
