"""What a step does with the rows that a batch names, as one loop: what is in it, and that it computes the same."""

from __future__ import annotations

import numpy as np

from compiler import pipeline
from compiler.emit.updates import row_updates
from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.types import BATCH, Type
from compiler.ops.elementwise import Mul, Tanh
from compiler.ops.lookup import AddRows, Dense, Gather, PickRows, ScatterRows, SetRows
from compiler.pipeline import compile_native
from compiler.plan.make import make_plan
from runtime.execute import Executor
from runtime.interpret import evaluate
from tests.compiler.random_graphs import feeds_for
from tests.runtime.native.kernels import needs_numba, shared_backend

SPEC = """model m(center: word) -> context: word(vocabulary=center) {
  embed 20
  dense negatives=2
}
train { adam lr=1e-3 ; batch 8 ; clip norm=1 }
"""
SIZES = {"B": 4}


def given(name: str, kind: str, type: Type) -> Node:
    return Node(Input(name, kind, type), (), type)  # pyright: ignore[reportArgumentType]


WEIGHT, MEAN = (given(name, "weight", Type("f64", (9, 5))) for name in ("w", "m"))
IDS, VALUES = given("ids", "data", Type("i64", (BATCH,))), given("x", "data", Type("f64", (BATCH, 5)))
ROWS = apply(ScatterRows(9), IDS, VALUES)
PICKED = apply(Mul(), apply(PickRows(), MEAN, ROWS), ROWS)
CHANGED = apply(Tanh(), PICKED)


def graph(*outputs: Output) -> Graph:
    return Graph((WEIGHT, MEAN, IDS, VALUES), outputs)


UPDATES = (Output("m", apply(SetRows(), MEAN, PICKED), "m"), Output("w", apply(AddRows(), WEIGHT, CHANGED), "w"))


def in_loops(of: Graph) -> list[list[str]]:
    loops = row_updates(make_plan(of, SIZES)).values()
    return [[type(call.op).__name__ for call in calls] for loop in loops if (calls := loop.calls)]


def assert_compiled_kernels_compute_the_same(of: Graph) -> None:
    feeds = {**feeds_for(of, SIZES, np.random.default_rng(1)), "ids": np.array([3, 0, 8, 3])}
    store = {name: feeds[name].copy() for name in ("w", "m")}
    found = Executor(shared_backend(), of, compile_native, store).run(feeds, SIZES)
    wanted = evaluate(of, feeds, SIZES)
    for output in of.outputs:
        value = found[output.name] if output.update is None else store[output.update]
        np.testing.assert_allclose(value, wanted[output.name], rtol=1e-6, err_msg=output.name)


def test_update_of_each_table_is_one_loop():
    experiment = pipeline.check(SPEC, "m.nn", sizes={"V": 30_000})
    step = pipeline.optimize(pipeline.training_step(experiment).graph)
    loops = row_updates(make_plan(step, {"B": 8})).values()
    written = [sum(isinstance(call.op, (SetRows, AddRows)) for call in loop.calls) for loop in loops]
    assert [count for count in written if count] == [3, 3]


def test_loop_ends_with_what_is_written():
    assert in_loops(graph(*UPDATES)) == [["PickRows", "Mul", "SetRows", "Tanh", "AddRows"]]


@needs_numba
def test_rows_of_two_tables_are_those_of_the_interpreter():
    assert_compiled_kernels_compute_the_same(graph(*UPDATES))


def test_what_is_read_elsewhere_is_no_part_of_the_loop():
    loops = in_loops(graph(Output("y", apply(Dense(), PICKED)), *UPDATES))
    assert loops == [["Mul"], ["SetRows", "Tanh", "AddRows"]]


@needs_numba
def test_what_is_read_elsewhere_is_there():
    assert_compiled_kernels_compute_the_same(graph(Output("y", apply(Dense(), PICKED)), *UPDATES))


@needs_numba
def test_table_that_is_read_before_and_after_its_update_has_both_values():
    before, after = apply(Gather(), MEAN, IDS), apply(Gather(), UPDATES[0].node, IDS)
    y = Output("y", apply(AddRows(), UPDATES[1].node, apply(ScatterRows(9), IDS, apply(Mul(), before, after))))
    assert_compiled_kernels_compute_the_same(graph(UPDATES[0], Output("w", y.node, "w")))
