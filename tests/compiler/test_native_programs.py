"""Programs with compiled kernels: on graphs that nobody chose they compute what NumPy alone does.

The seeds are fixed, for each new kernel takes its time to compile; NNC_FUZZ=300 draws as many others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from compiler.emit import row_chains
from compiler.ir.graph import Graph, Input, Output, apply
from compiler.ir.types import Type
from compiler.ops.elementwise import Mul, Sub, Tanh, constant
from compiler.ops.shape import Reshape, Transpose
from compiler.passes import optimize, parted
from compiler.pipeline import compile_bucket, compile_native
from runtime.backend import Backend
from runtime.execute import Executor
from runtime.numpy_backend import numpy_backend
from runtime.store import Store
from tests.compiler import test_cell_programs, test_scan_gradient
from tests.compiler.random_cells import random_cell, random_use
from tests.compiler.random_graphs import FUZZ, Array, feeds_for, fresh_seed, random_graph, random_sizes, stored_names
from tests.compiler.random_scans import random_scan
from tests.runtime.native.kernels import all_shared, needs_numba, shared_backend

__all__ = ["all_shared"]

pytestmark = needs_numba

Fed = tuple[Graph, dict[str, Array], dict[str, int]]


def of_a_graph(seed: int) -> Fed:
    graph, rng = random_graph(seed, dropout=False), np.random.default_rng(seed)
    sizes = random_sizes(rng)
    return graph, feeds_for(graph, sizes, rng), sizes


def of_a_scan(seed: int) -> Fed:
    # Two rows for each of three threads, which share loops over positions only then.
    graph, sizes = test_scan_gradient.with_gradients(*random_scan(seed)), {"B": 6, "T": 4}
    return graph, test_scan_gradient.fed(graph, sizes, seed), sizes


def of_a_cell(seed: int) -> Fed:
    attends = seed % 4 == 0
    cell, use = random_cell(seed, attends=attends), random_use(seed, attends=attends)
    graph = test_cell_programs.with_gradients(cell, use)
    return graph, test_cell_programs.fed(graph, seed), test_cell_programs.SIZES


def computed(given: Fed, backend: Backend, threads: int = 1) -> dict[str, Array]:
    """All outputs of two steps, the second in the memory that the first one left, and the weights and states after."""
    graph, feeds, sizes = given
    store = Store(backend, graph, {name: np.array(feeds[name]) for name in stored_names(graph)})
    compile_it = compile_bucket if backend.native is None else partial(compile_native, threads=threads)
    executor = Executor(backend, graph, compile_it, store)
    first = {f"{name}, first": np.array(value) for name, value in executor.run(feeds, sizes).items()}
    second = {name: np.array(value) for name, value in executor.run(feeds, sizes).items()}
    return first | second | {f"{name} after": value for name, value in store.items()}


@pytest.mark.parametrize("optimized", [False, True], ids=["as lowered", "optimized"])
@pytest.mark.parametrize("number", range(FUZZ or 6))
@pytest.mark.parametrize("make", [of_a_graph, of_a_scan, of_a_cell])
def test_program_with_kernels_computes_what_numpy_does(make: Callable[[int], Fed], number: int, optimized: bool):
    seed = fresh_seed() if FUZZ else number
    print(f"seed {seed}")
    graph, feeds, sizes = make(seed)
    given = (optimize(graph) if optimized else graph), feeds, sizes
    wanted, found = computed(given, numpy_backend()), computed(given, shared_backend())
    for name, value in wanted.items():
        scale = np.max(np.abs(value[np.isfinite(value)]), initial=1.0)
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-9 * scale, err_msg=name)


@pytest.mark.parametrize("threads", [2, 3])
@pytest.mark.parametrize("number", range(FUZZ or 4))
@pytest.mark.parametrize("make", [of_a_graph, of_a_scan, of_a_cell])
@pytest.mark.usefixtures("all_shared")
def test_program_computes_with_several_threads_what_it_does_with_one(
    make: Callable[[int], Fed], number: int, threads: int
):
    seed = fresh_seed() if FUZZ else number
    print(f"seed {seed}")
    graph, feeds, sizes = make(seed)
    given = optimize(graph), feeds, sizes
    wanted, found = (computed(given, shared_backend(t), t) for t in (1, threads))
    again = computed(given, shared_backend(threads), threads)
    for name, value in wanted.items():
        scale = np.max(np.abs(value[np.isfinite(value)]), initial=1.0)
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-9 * scale, err_msg=name)
        np.testing.assert_array_equal(found[name], again[name], err_msg=f"{name}, once more")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """What otherwise pays only for many rows is done for few."""
    monkeypatch.setattr(row_chains, "NARROW", 2)
    monkeypatch.setattr(row_chains, "FEW", 2)
    monkeypatch.setattr(parted, "MANY", 1)
    monkeypatch.setattr(parted, "NARROW", 1)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("number", range(FUZZ or 6))
@pytest.mark.parametrize("make", [of_a_graph, of_a_cell])
@pytest.mark.usefixtures("all_shared", "small")
def test_rows_and_sums_in_parts_change_no_result(make: Callable[[int], Fed], number: int, threads: int):
    seed = fresh_seed() if FUZZ else number
    print(f"seed {seed}")
    graph, feeds, sizes = make(seed)
    given = optimize(graph), feeds, sizes
    wanted, found = computed(given, numpy_backend()), computed(given, shared_backend(threads), threads)
    for name, value in wanted.items():
        scale = np.max(np.abs(value[np.isfinite(value)]), initial=1.0)
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-9 * scale, err_msg=name)


@pytest.mark.parametrize("number", range(FUZZ or 4))
def test_loop_that_is_too_small_for_threads_to_share_is_computed_by_one(number: int):
    seed = fresh_seed() if FUZZ else number
    print(f"seed {seed}")
    graph, feeds, sizes = of_a_scan(seed)
    given = optimize(graph), feeds, sizes
    wanted, found = computed(given, numpy_backend()), computed(given, shared_backend(2), 2)
    for name, value in wanted.items():
        scale = np.max(np.abs(value[np.isfinite(value)]), initial=1.0)
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-9 * scale, err_msg=name)


def test_matrix_that_is_less_its_own_transpose_is_read_before_it_is_written():
    w = apply(Input("w", "weight", Type("f64", (50, 50))))
    turned = apply(Mul(), apply(Tanh(), apply(Transpose((1, 0)), w)), constant(0.5, "f64"))
    graph = Graph((w,), (Output("w'", apply(Sub(), w, turned), "w"),))
    given = graph, {"w": np.random.default_rng(0).normal(size=(50, 50))}, dict[str, int]()
    wanted, found = computed(given, numpy_backend()), computed(given, shared_backend())
    np.testing.assert_allclose(found["w after"], wanted["w after"], rtol=1e-12)


def test_copies_in_other_orders_and_shapes_leave_the_names_of_what_they_read_and_write():
    x = apply(Input("x", "data", Type("f64", (3, 3, 3))))
    turned = [apply(Transpose(axes), x) for axes in ((1, 0, 2), (0, 2, 1))]
    flat = [apply(Reshape((9, 3)), node) for node in turned]
    squares = [apply(Mul(), node, node) for node in (*turned, *flat)]
    outputs = [Output(f"y{i}", node) for i, node in enumerate((*turned, *flat, *squares))]
    given = Graph((x,), tuple(outputs)), {"x": np.arange(27.0).reshape(3, 3, 3)}, dict[str, int]()
    wanted, found = computed(given, numpy_backend()), computed(given, shared_backend())
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)
