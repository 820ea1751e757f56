"""Steps along the same rows as one kernel: what is in it, and that it computes the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from compiler import pipeline
from compiler.emit import chain as chain_module
from compiler.emit import row_chains as row_chains_module
from compiler.emit.row_chains import FEW, NARROW, row_chains
from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.types import BATCH, Type, bound_shape, symbol
from compiler.ops.elementwise import Add, Erf, Exp, Mul, Sub, Tanh, constant
from compiler.ops.lookup import ScatterRows
from compiler.ops.product import MatMul
from compiler.ops.reduction import Sum
from compiler.ops.sequence import Mask
from compiler.ops.shape import Broadcast, Reshape
from compiler.pipeline import compile_bucket, compile_native
from compiler.plan.make import make_plan
from compiler.plan.plan import Place, Plan
from compiler.plan.schedule import schedule
from runtime.backend import Backend
from runtime.execute import Executor
from runtime.interpret import evaluate
from runtime.numpy_backend import numpy_backend
from runtime.store import Store
from tests.runtime.native.kernels import all_shared, needs_numba, shared_backend

__all__ = ["all_shared"]

SHAPE = (128, 64)
SIZES = {"B": 8, "T": 16}


def given(name: str, *shape: int) -> Node:
    type = Type("f64", shape)
    return Node(Input(name, "data", type), (), type)


X, OTHER, BIAS, SQUARE = given("x", *SHAPE), given("other", *SHAPE), given("bias", 64), given("square", 64, 64)
COLUMN = given("column", 128, 1)
TEXT_TYPE = Type("f64", (BATCH, symbol("T"), 64))
TEXTS = Node(Input("texts", "data", TEXT_TYPE), (), TEXT_TYPE)
LENGTHS = Node(Input("lengths.T", "data", Type("i64", (BATCH,))), (), Type("i64", (BATCH,)))
INPUTS = (X, OTHER, BIAS, SQUARE, COLUMN, TEXTS, LENGTHS)


def of_rows(x: Node) -> Node:
    """A number of each row, for all of its columns."""
    shape = x.type.shape
    return apply(Broadcast(shape), apply(Sum((len(shape) - 1,), keep=True), x))


def graph(*values: Node) -> Graph:
    return pipeline.optimize(Graph(INPUTS, tuple(Output(f"y{i}", value) for i, value in enumerate(values))))


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
SUM_ALONE = graph(apply(Exp(), apply(Sum((1,)), X)))
SUM_OF_COLUMN = graph(apply(Add(), of_rows(apply(Broadcast(SHAPE), COLUMN)), apply(Exp(), X)))
DEAR = graph(norm(apply(Add(), apply(Erf(), apply(Exp(), X)), OTHER)))
"""Too dear to compute twice."""
PADDED = graph(apply(Mask("zero"), norm(apply(Mask("zero"), TEXTS, LENGTHS)), LENGTHS))
GRAPHS = {
    "norm": NORM, "softmax": SOFTMAX, "both": BOTH, "sums of sums": SUMS_OF_SUMS, "columns": COLUMNS,
    "sum alone": SUM_ALONE, "sum of a column": SUM_OF_COLUMN, "dear": DEAR, "padded": PADDED,
}  # fmt: skip


def in_kernels(of: Graph) -> list[int]:
    """Of each kernel, how many steps it does."""
    return [len(chain.nodes) for chain in row_chains(make_plan(of, SIZES)).values() if chain is not None]


def written(of: Graph) -> list[list[str]]:
    """Of each kernel, what it writes."""
    found = [chain.done for chain in row_chains(make_plan(of, SIZES)).values() if chain is not None]
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


def test_what_is_dear_is_not_computed_twice(monkeypatch: pytest.MonkeyPatch):
    def erfs() -> int:
        found = [chain.done.kernel.text for chain in row_chains(make_plan(DEAR, SIZES)).values() if chain is not None]
        return max((text.count("erf_f64(") for text in found), default=0)

    assert erfs() <= 1
    monkeypatch.setattr(chain_module, "MOST_AGAIN", 1000)
    assert erfs() > 1


@needs_numba
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.usefixtures("all_shared")
def test_kernel_computes_what_the_steps_do(name: str, threads: int):
    of, rng = GRAPHS[name], np.random.default_rng(1)
    fed = fed_to(of, rng)
    executor = Executor(shared_backend(threads), of, lambda g, s: compile_native(g, s, threads), {})
    for output, value in evaluate(of, fed, SIZES).items():
        found = executor.run(fed, SIZES)[output]
        np.testing.assert_allclose(found, value, rtol=1e-9, atol=1e-9 * np.max(np.abs(value)))


def fed_to(of: Graph, rng: np.random.Generator) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for node in of.inputs:
        assert isinstance(node.op, Input)
        shape = bound_shape(node.type, SIZES)
        found[node.op.name] = rng.standard_normal(shape) if node is not LENGTHS else rng.integers(1, 17, shape)
    found["texts"] *= (np.arange(16) < found["lengths.T"][:, None])[..., None]
    return found


def delayed() -> Graph:
    """A mean is moved where its weight is, later; what lies between would write over what moves it."""
    m, w, u, v = (Node(Input(n, "weight", x), (), x) for n in "mwuv" for x in (Type("f64", SHAPE),))
    product = apply(MatMul(), OTHER, SQUARE)
    moved = apply(Add(), apply(Mul(), m, constant(0.9, "f64")), apply(MatMul(), product, SQUARE))
    first = apply(Tanh(), product)
    second = apply(Exp(), apply(Sub(), first, OTHER))
    square = apply(MatMul(), SQUARE, SQUARE)
    moved_u = apply(Add(), u, apply(MatMul(), second, apply(MatMul(), SQUARE, square)))
    moved_v = apply(Add(), v, apply(MatMul(), apply(MatMul(), first, SQUARE), square))
    moved_v = apply(Add(), apply(Add(), moved_v, apply(MatMul(), first, SQUARE)),
                    apply(Mul(), apply(MatMul(), second, SQUARE), first))  # fmt: skip
    outputs = {"m": moved, "w": apply(Mul(), moved, first), "u": moved_u, "v": moved_v}
    return pipeline.optimize(
        Graph((m, w, u, v, OTHER, SQUARE), tuple(Output(f"{n}'", node, n) for n, node in outputs.items()))
    )


@needs_numba
@pytest.mark.parametrize("threads", [1, 2])
def test_what_waits_for_a_later_step_is_not_written_over(threads: int):
    of, rng = delayed(), np.random.default_rng(1)
    fed = {n.op.name: rng.standard_normal(bound_shape(n.type, SIZES)) for n in of.inputs if isinstance(n.op, Input)}

    def after(backend: Backend, compile_it: Callable[[Graph, Mapping[str, int]], tuple[str, Plan]]) -> Store:
        store = Store(backend, of, {name: fed[name].copy() for name in "mwuv"})
        Executor(backend, of, compile_it, store).run(fed, SIZES)
        return store

    wanted = after(numpy_backend(), compile_bucket)
    found = after(shared_backend(threads), lambda g, s: compile_native(g, s, threads))
    for name in "mwuv":
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-9, atol=1e-8, err_msg=name)


@needs_numba
def test_rows_of_a_table_that_are_given_out_are_written(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(row_chains_module, "NARROW", 2)
    monkeypatch.setattr(row_chains_module, "FEW", 2)
    ids = Node(Input("ids", "data", Type("i64", (32,))), (), Type("i64", (32,)))
    values = given("v", 32, 8)
    rows = apply(Mul(), apply(ScatterRows(9), ids, values), constant(2.0, "f64"))
    of = Graph(
        (ids, values),
        (Output("rows", rows), Output("norm", apply(Sum((0, 1)), apply(Mul(), rows, rows)))),
    )
    rng = np.random.default_rng(0)
    fed = {"ids": rng.integers(1, 9, 32), "v": rng.standard_normal((32, 8))}
    found = Executor(shared_backend(), of, compile_native, {}).run(fed, {})
    for name, value in evaluate(of, fed, {}).items():
        np.testing.assert_allclose(np.asarray(found[name]), np.asarray(value), rtol=1e-9)


def test_sums_come_right_after_what_they_sum():
    product = apply(MatMul(), X, SQUARE)
    later = apply(MatMul(), apply(MatMul(), product, SQUARE), SQUARE)
    order = schedule(Graph(INPUTS, (Output("y", later), Output("sum", apply(Sum((0,)), product))))).nodes
    assert isinstance(order[order.index(product) + 1].op, Sum)
