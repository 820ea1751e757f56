"""Programs against the interpreter: same values, same updates, and no memory but what was planned."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Mapping

import numpy as np
import pytest

from compiler.autodiff import gradients
from compiler.emit.numpy import emit
from compiler.ir.graph import Graph, Input, InputKind, Node, Output, apply
from compiler.ir.types import BATCH, Dim, Dtype, Type
from compiler.ops import elementwise as e
from compiler.ops.elementwise import constant
from compiler.ops.lookup import ScatterRows
from compiler.ops.product import MatMul
from compiler.ops.reduction import Sum
from compiler.ops.shape import Transpose
from compiler.passes import optimize
from compiler.plan import Plan, groups, make_plan
from dsl.errors import InternalError
from runtime.backend import Backend
from runtime.execute import Arena, Executor
from runtime.interpret import evaluate
from runtime.numpy_backend import numpy_backend
from runtime.store import Store
from tests.compiler.random_graphs import (
    FUZZ,
    Array,
    feeds_for,
    fresh_seed,
    random_graph,
    random_sizes,
    real_positions,
    stored_names,
)

COUNT = FUZZ or 25
TOLERANCE = 1e-12
"""Of the largest value: the same operations in the same order, but for how BLAS is called."""


NUMPY_BUFFERS = 3 * 8192 * 8 + 16 * 1024
"""Bytes: where the operands of a ufunc are broadcast or cast, NumPy moves them through buffers of 8192 elements."""


def compile_bucket(graph: Graph, sizes: Mapping[str, int]) -> tuple[str, Plan]:
    plan = make_plan(graph, sizes)
    return emit(plan), plan


def input_node(name: str, kind: InputKind, *shape: Dim, dtype: Dtype = "f64") -> Node:
    return apply(Input(name, kind, Type(dtype, shape)))


def executor_of(graph: Graph, store: dict[str, Array], backend: Backend | None = None) -> Executor:
    backend = backend or numpy_backend()
    laid_out = store if isinstance(store, Store) else Store(backend, graph, store)
    return Executor(backend, graph, compile_bucket, laid_out)


def separated(
    graph: Graph, feeds: Mapping[str, Array], backend: Backend | None = None
) -> tuple[dict[str, Array], Store]:
    """What is fed each time, and copies of what is stored, where the backend has them."""
    kept, backend = stored_names(graph), backend or numpy_backend()
    store = Store(backend, graph, {name: backend.to_device(np.array(feeds[name])) for name in kept})
    return {name: value for name, value in feeds.items() if name not in kept}, store


def assert_program_agrees(
    graph: Graph,
    sizes: Mapping[str, int],
    feeds: Mapping[str, Array],
    backend: Backend | None = None,
    tolerance: float = TOLERANCE,
) -> None:
    """With the interpreter. backend: NumPy's where none is given; tolerance: of the largest value"""
    backend = backend or numpy_backend()
    wanted = evaluate(graph, feeds, sizes)
    fed, store = separated(graph, feeds, backend)
    found = executor_of(graph, store, backend).run(fed, sizes)
    outputs = {output.name: output for output in graph.outputs}
    for name, value in wanted.items():
        a, b = value, found[name] if name in found else backend.to_host(store[name])
        if name in outputs:
            real = real_positions(outputs[name].node.type, feeds.get("lengths.T", np.ones(1, np.int64)), sizes)
            a, b = a[real], b[real]
        scale = np.max(np.abs(a[np.isfinite(a)]), initial=1.0)
        np.testing.assert_allclose(b, a, rtol=tolerance, atol=tolerance * scale, err_msg=name)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "BLOCK", 3)
    monkeypatch.setattr(groups, "WORTH_BLOCKS", 3)


def assert_programs_of_random_graphs_agree(prepare: Callable[[Graph], Graph]) -> None:
    for _ in range(COUNT):
        seed = fresh_seed()
        print(f"seed {seed}")
        rng = np.random.default_rng(seed)
        graph = prepare(random_graph(seed))
        sizes = random_sizes(rng)
        assert_program_agrees(graph, sizes, feeds_for(graph, sizes, rng))


@pytest.mark.parametrize("prepare", [lambda graph: graph, optimize], ids=["as it is", "optimized"])
def test_program_computes_what_the_interpreter_does(prepare: Callable[[Graph], Graph]):
    assert_programs_of_random_graphs_agree(prepare)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("prepare", [lambda graph: graph, optimize], ids=["as it is", "optimized"])
def test_program_in_blocks_computes_what_the_interpreter_does(prepare: Callable[[Graph], Graph]):
    assert_programs_of_random_graphs_agree(prepare)


def data(name: str, *shape: Dim, dtype: Dtype = "f64") -> Node:
    return input_node(name, "data", *shape, dtype=dtype)


def perceptron(dtype: Dtype, rows: int = 64) -> tuple[Graph, dict[str, Array], dict[str, int]]:
    """tanh(x W + b), squared and summed, and a step down for both weights."""
    x, w = data("x", BATCH, 32, dtype=dtype), input_node("w", "weight", 32, 16, dtype=dtype)
    b = input_node("b", "weight", 16, dtype=dtype)
    y = apply(e.Tanh(), apply(e.Add(), apply(MatMul(), x, w), b))
    loss = apply(Sum((0, 1)), apply(e.Mul(), y, y))
    outputs = [Output("loss", loss)]
    for name, node, gradient in zip("wb", (w, b), gradients(loss, [w, b], {}), strict=True):
        assert gradient is not None
        step = apply(e.Mul(), gradient, constant(0.01, dtype))
        outputs.append(Output(name, apply(e.Sub(), node, step), name))
    graph = Graph((x, w, b), tuple(outputs))
    rng = np.random.default_rng(1)
    feeds = {"x": rng.normal(size=(rows, 32)), "w": rng.normal(size=(32, 16)), "b": rng.normal(size=16)}
    kind = np.float32 if dtype == "f32" else np.float64
    return graph, {name: value.astype(kind) for name, value in feeds.items()}, {"B": rows}


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_step_updates_the_store_in_place(dtype: Dtype):
    graph, feeds, sizes = perceptron(dtype)
    fed, store = separated(graph, feeds)
    before = dict(store)
    executor = executor_of(graph, store)
    for _ in range(3):
        wanted = evaluate(graph, {**fed, **store}, sizes)
        found = executor.run(fed, sizes)
        assert found["loss"].dtype == feeds["x"].dtype
        tolerance = 1e-5 if dtype == "f32" else 1e-12
        for name, value in {**store, **found}.items():
            np.testing.assert_allclose(value, wanted[name], rtol=tolerance, atol=tolerance)
    assert all(store[name] is before[name] for name in store)


@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_step_allocates_no_array(dtype: Dtype):
    graph, feeds, sizes = perceptron(dtype, rows=2**14)
    fed, store = separated(graph, feeds)
    executor = executor_of(optimize(graph), dict(store))
    executor.run(fed, sizes)
    assert peak_of(lambda: executor.run(fed, sizes)) < NUMPY_BUFFERS < feeds["x"].nbytes / 8


def peak_of(run: Callable[[], object]) -> int:
    """Bytes that were allocated at the most at one time."""
    tracemalloc.start()
    run()
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    run()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before


def test_updates_that_exchange_two_states_read_both_before_writing():
    a, b = input_node("a", "state", 3), input_node("b", "state", 3)
    graph = Graph((a, b), (Output("a", b, "a"), Output("b", a, "b")))
    store = {"a": np.arange(3.0), "b": np.ones(3)}
    executor_of(graph, store).run({}, {})
    np.testing.assert_array_equal(store["a"], np.ones(3))
    np.testing.assert_array_equal(store["b"], np.arange(3.0))


def test_update_that_turns_its_weight_around_is_right():
    w = input_node("w", "weight", 3, 3)
    graph = Graph((w,), (Output("w", apply(e.Add(), w, apply(Transpose((1, 0)), w)), "w"),))
    start = np.arange(9.0).reshape(3, 3)
    store = {"w": start.copy()}
    executor_of(graph, store).run({}, {})
    np.testing.assert_array_equal(store["w"], start + start.T)


def test_program_bound_before_the_arena_grew_is_bound_again():
    graph, feeds, _ = perceptron("f64")
    fed, store = separated(graph, feeds)
    executor = executor_of(graph, store)
    for rows in (1, 64, 1, 7, 64):
        part = {"x": fed["x"][:rows]}
        wanted = evaluate(graph, {**part, **store}, {"B": rows})
        found = executor.run(part, {"B": rows})
        np.testing.assert_allclose(found["loss"], wanted["loss"], rtol=1e-12)


def test_executors_can_share_an_arena():
    graph, feeds, sizes = perceptron("f64")
    fed, store = separated(graph, feeds)
    arena = Arena(numpy_backend())
    score = Graph(graph.inputs, graph.outputs[:1])
    trains = Executor(numpy_backend(), graph, compile_bucket, store, arena)
    scores = Executor(numpy_backend(), score, compile_bucket, store, arena)
    for _ in range(2):
        wanted = float(scores.run(fed, sizes)["loss"])
        assert float(trains.run(fed, sizes)["loss"]) == pytest.approx(wanted, rel=1e-12)
    assert arena.bytes == max(trains.arena_bytes(sizes), scores.arena_bytes(sizes))


def test_memory_is_known_before_anything_is_allocated():
    graph, _, _ = perceptron("f64")
    executor = executor_of(graph, {})
    assert executor.arena_bytes({"B": 10**9}) > 10**11


def test_feed_of_another_shape_is_an_error_of_ours():
    graph, feeds, sizes = perceptron("f64")
    fed, store = separated(graph, feeds)
    with pytest.raises(InternalError, match="x is fed as"):
        executor_of(graph, store).run({"x": fed["x"][:1]}, sizes)


def test_weight_of_another_dtype_is_an_error_of_ours():
    graph, feeds, sizes = perceptron("f64")
    fed, store = separated(graph, feeds)
    with pytest.raises(InternalError, match="w is float32"):
        executor_of(graph, dict(store) | {"w": store["w"].astype(np.float32)}).run(fed, sizes)


def test_infinities_raise_no_warning():
    x = data("x", 3)
    graph = Graph((x,), (Output("y", apply(e.Log(), x)), Output("z", apply(e.Exp(), apply(e.Div(), x, x)))))
    found = executor_of(graph, {}).run({"x": np.array([0.0, 1.0, np.inf])}, {})
    np.testing.assert_array_equal(found["y"], [-np.inf, 0.0, np.inf])


def test_row_sparse_output_is_written_out():
    ids, x = data("ids", 4, dtype="i64"), data("x", 4, 2)
    graph = Graph((ids, x), (Output("y", apply(ScatterRows(6), ids, x)),))
    found = executor_of(graph, {}).run({"ids": np.array([2, 0, 5, 2]), "x": np.ones((4, 2))}, {})
    np.testing.assert_array_equal(found["y"][:, 0], [0, 0, 2, 0, 0, 1])


@pytest.mark.usefixtures("small_blocks")
def test_operand_that_is_read_in_two_orders_is_no_work_space():
    x, y = data("x", 4, 4), data("y", 4, 4)
    h = apply(e.Exp(), x)
    turned = apply(Transpose((1, 0)), h)
    group = apply(e.Mul(), apply(e.Tanh(), turned), apply(e.Add(), apply(e.Mul(), h, y), y))
    graph = optimize(Graph((x, y), (Output("z", group),)))
    rng = np.random.default_rng(3)
    assert_program_agrees(graph, {}, {"x": rng.normal(size=(4, 4)), "y": rng.normal(size=(4, 4))})
