"""Rows that ids name are added to their table at once, where kernels are compiled."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.ir.graph import Graph, Input, Output, apply
from compiler.ir.types import BATCH, Type, symbol
from compiler.ir.verify import verify
from compiler.ops.elementwise import Mul, Neg
from compiler.ops.gathered import AddOuter, ScatterOuter
from compiler.ops.lookup import AddRows, Dense, ScatterRows
from compiler.passes import optimize
from compiler.passes.gathered import gathered
from compiler.passes.stepped import stepped
from compiler.pipeline import check, compile_native, training_step
from compiler.plan.plan import Call
from runtime.execute import Executor
from runtime.interpret import evaluate
from tests.compiler.random_graphs import feeds_for
from tests.runtime.native.kernels import all_shared, needs_numba, shared_backend

__all__ = ["all_shared"]

SIZES = {"B": 3, "T": 5, "V": 9, "L.center": 4, "L.context": 4}
SPEC = """
model vectors({text}) -> {target}: word(vocabulary={of}) {{
  embed 4 as vectors
  {mean}
  dense {head}
}}
data {{ train "a.txt" windows={windows} radius=2 }}
train {{ {train} }}
"""
CBOW = {"text": "context: bag(word)", "target": "center", "of": "context", "mean": "mean", "windows": "cbow"}
SKIPGRAM = {"text": "center: word", "target": "context", "of": "center", "mean": "", "windows": "skipgram"}


def step(windows: dict[str, str], head: str, train: str = "sgd lr=0.1") -> Graph:
    text = SPEC.format(**windows, head=head, train=train)
    return gathered(optimize(training_step(check(text, "m.nn", dtype="f64")).graph))


def ops(graph: Graph) -> list[type]:
    return [type(n.op) for n in graph.nodes()]


@pytest.mark.parametrize("head", ["negatives=3", "hierarchical"])
@pytest.mark.parametrize("windows", [CBOW, SKIPGRAM], ids=["cbow", "skipgram"])
def test_a_step_finds_no_rows_before_it_adds_them(windows: dict[str, str], head: str):
    graph = step(windows, head)
    after = stepped(graph)
    verify(after)
    found = ops(after)
    assert found.count(AddOuter) == 2
    assert not {AddRows, ScatterOuter, ScatterRows} & set(found)
    feeds = feeds_for(graph, SIZES, np.random.default_rng(1))
    wanted, given = evaluate(graph, feeds, SIZES), evaluate(after, feeds, SIZES)
    for name, value in wanted.items():
        np.testing.assert_allclose(given[name], value, rtol=1e-10, atol=1e-12, err_msg=name)


@needs_numba
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("head", ["negatives=3", "hierarchical"])
@pytest.mark.parametrize("windows", [CBOW, SKIPGRAM], ids=["cbow", "skipgram"])
@pytest.mark.usefixtures("all_shared")
def test_a_step_agrees_with_compiled_kernels(windows: dict[str, str], head: str, threads: int):
    graph = step(windows, head)
    feeds = feeds_for(graph, SIZES, np.random.default_rng(2))
    wanted = evaluate(graph, feeds, SIZES)
    weights = {n.op.name: feeds[n.op.name] for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "weight"}
    executor = Executor(shared_backend(threads), graph, lambda *given: compile_native(*given, threads), weights)
    calls = [work for s in executor.plan(SIZES).steps for work in s.work if isinstance(work, Call)]
    added = [call for call in calls if isinstance(call.op, AddOuter)]
    assert [call.out for call in added] == [call.inputs[0] for call in added]
    assert len(added) == 2
    found = {**executor.run(feeds, SIZES), **{f"{name}'": value for name, value in weights.items()}}
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("train", ["sgd lr=0.1 ; clip norm=1", "adam lr=0.1"])
def test_a_step_that_needs_the_sum_of_a_row_is_left_alone(train: str):
    assert AddOuter not in ops(stepped(step(SKIPGRAM, "negatives=3", train)))


V = symbol("V")
TABLE = apply(Input("table", "weight", Type("f64", (V, 3))))
IDS = apply(Input("ids", "data", Type("i64", (BATCH,))))
X = apply(Input("x", "data", Type("f64", (BATCH, 3))))
RATE = apply(Input("lr", "number", Type("f64")))
ROWS = apply(ScatterRows(V), IDS, X)


def test_rows_of_one_id_an_example_are_a_list_of_one():
    graph = Graph((TABLE, IDS, X, RATE), (Output("y", apply(AddRows(), TABLE, apply(Mul(), RATE, ROWS))),))
    after = stepped(graph)
    assert ops(after).count(AddOuter) == 1
    feeds = feeds_for(graph, SIZES, np.random.default_rng(3))
    np.testing.assert_allclose(evaluate(after, feeds, SIZES)["y"], evaluate(graph, feeds, SIZES)["y"], rtol=1e-12)


def test_squares_of_rows_are_left_alone():
    graph = Graph((), (Output("y", apply(AddRows(), TABLE, apply(Mul(), ROWS, ROWS))),))
    assert stepped(graph) is graph


def test_rows_that_are_read_elsewhere_are_found():
    moved = apply(AddRows(), TABLE, apply(Neg(), ROWS))
    graph = Graph((), (Output("y", moved), Output("z", apply(Dense(), ROWS))))
    assert stepped(graph) is graph


def test_rows_that_are_asked_for_are_found():
    rows = apply(Neg(), ROWS)
    graph = Graph((), (Output("y", apply(AddRows(), TABLE, rows)), Output("z", rows)))
    assert stepped(graph) is graph


def test_rows_of_texts_are_left_alone():
    ids = apply(Input("ids", "data", Type("i64", (BATCH, symbol("T")), "zero")))
    x = apply(Input("x", "data", Type("f64", (BATCH, symbol("T"), 3), "zero")))
    graph = Graph((), (Output("y", apply(AddRows(), TABLE, apply(ScatterRows(V), ids, x))),))
    assert stepped(graph) is graph


@needs_numba
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.usefixtures("all_shared")
def test_what_is_too_little_alone_moves_a_row_together_with_the_others_of_its_id(threads: int):
    examples, few = 4096, 3
    sizes = {"B": examples, "V": 5}
    table = apply(Input("table", "weight", Type("f32", (V, few))))
    ids, x = (
        apply(Input(n, "data", t)) for n, t in (("ids", Type("i64", (BATCH, 1))), ("x", Type("f32", (BATCH, few))))
    )
    moved = apply(AddOuter(), table, ids, x, apply(Input("scale", "number", Type("f32"))))
    store = {"table": np.ones((5, few), np.float32)}
    named = np.full((examples, 1), 3)
    named[:6] = [[1], [2], [1], [0], [2], [1]]
    feeds = {"ids": named, "x": np.ones((examples, few), np.float32), "scale": np.float32(-2e-8)}
    graph = Graph((table, ids, x, moved.inputs[3]), (Output("table", moved, "table"),))
    Executor(shared_backend(threads), graph, lambda *given: compile_native(*given, threads), store).run(feeds, sizes)
    assert store["table"][3] == pytest.approx(1 - 4090 * 2e-8, abs=1e-7)
    np.testing.assert_array_equal(store["table"][[0, 4]], 1)


@needs_numba
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.usefixtures("all_shared")
def test_frequent_and_rare_ids_agree_with_the_interpreter(threads: int):
    sizes, random = {"B": 200, "V": 300}, np.random.default_rng(4)
    ids = apply(Input("ids", "data", Type("i64", (BATCH, 6))))
    by, x = (apply(Input(n, "data", Type("f64", (BATCH, width)))) for n, width in (("by", 6), ("x", 70)))
    table, scale = apply(Input("table", "weight", Type("f64", (V, 70)))), apply(Input("s", "number", Type("f64")))
    graph = Graph((table, ids, x, by, scale), (Output("table", apply(AddOuter(), table, ids, x, scale, by), "table"),))
    feeds = {
        "ids": np.minimum(random.zipf(1.3, (200, 6)) - 1, 299),
        "x": random.normal(size=(200, 70)),
        "by": random.normal(size=(200, 6)),
        "s": np.float64(-0.1),
        "table": random.normal(size=(300, 70)),
    }
    store = {"table": feeds["table"].copy()}
    Executor(shared_backend(threads), graph, lambda *given: compile_native(*given, threads), store).run(feeds, sizes)
    (wanted,) = evaluate(graph, feeds, sizes).values()
    np.testing.assert_allclose(store["table"], wanted, rtol=1e-11, atol=1e-12)
