"""A weight and its means, moved by one kernel: what is in it, and that it computes the same."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from compiler.emit.dense_updates import dense_updates
from compiler.ir.graph import Graph, Input, Node, Output, apply
from compiler.ir.types import Type
from compiler.ops.elementwise import Add, Mul, Sub, Tanh
from compiler.ops.product import MatMul, Outer
from compiler.ops.reduction import Sum
from compiler.pipeline import compile_native
from compiler.plan.make import make_plan
from compiler.plan.plan import Place
from compiler.plan.schedule import schedule
from runtime.execute import Executor
from runtime.interpret import evaluate
from tests.compiler.random_graphs import feeds_for
from tests.runtime.native.kernels import needs_numba, shared_backend

SIZES = {"B": 4}
SHAPE = (4, 5)


def given(name: str, kind: str, type: Type) -> Node:
    return Node(Input(name, kind, type), (), type)  # pyright: ignore[reportArgumentType]


WEIGHT, MEAN, SQUARE = (given(name, "weight", Type("f64", SHAPE)) for name in ("weight", "mean", "square"))
GRADIENT = given("g", "data", Type("f64", SHAPE))
MOVED_MEAN = apply(Add(), apply(Tanh(), MEAN), GRADIENT)
MOVED_SQUARE = apply(Add(), apply(Tanh(), SQUARE), apply(Mul(), GRADIENT, GRADIENT))
CHANGE = apply(Mul(), MOVED_MEAN, MOVED_SQUARE)


def graph(moved: Node, *others: Output) -> Graph:
    updates = (
        Output("mean", MOVED_MEAN, "mean"),
        Output("square", MOVED_SQUARE, "square"),
        Output("weight", moved, "weight"),
    )
    return pipeline.optimize(Graph((WEIGHT, MEAN, SQUARE, GRADIENT), (*others, *updates)))


def in_kernels(of: Graph) -> list[list[str]]:
    """Of each kernel, what it writes."""
    plan = make_plan(of, SIZES)
    kernels = [update.done for update in dense_updates(plan).values() if update is not None]
    return [[call.out.name for call in done.calls if isinstance(call.out, Place)] for done in kernels]


TOGETHER = graph(apply(Sub(), WEIGHT, CHANGE))
APART = graph(apply(Sub(), WEIGHT, apply(Mul(), CHANGE, apply(Sum((0, 1), keep=True), MOVED_MEAN))))
"""The weight needs a sum of its mean: it cannot be read before all of it is written."""
LEFT = apply(Tanh(), GRADIENT)
IN_ITS_PLACE = Graph(
    (WEIGHT, MEAN, GRADIENT),
    (
        Output("mean", apply(Add(), MEAN, LEFT), "mean"),
        Output(
            "weight",
            apply(Sub(), apply(Add(), MEAN, LEFT), apply(Sum((0,), keep=True), apply(Mul(), LEFT, LEFT))),
            "weight",
        ),
    ),
)
"""Where the gradient lay is something else by the time that the weight is moved."""
READ = graph(apply(Sub(), WEIGHT, CHANGE), Output("old", apply(Sum((0,)), apply(Mul(), MEAN, MOVED_SQUARE))))
"""Who asks for the old mean gets it before it is moved."""


def test_weight_and_its_means_are_one_kernel():
    assert in_kernels(TOGETHER) == [["mean", "square", "weight"]]


def test_mean_that_is_read_in_between_is_written_before():
    assert in_kernels(APART) == []


TWICE = Graph((WEIGHT, MEAN, GRADIENT), (Output("mean", MOVED_MEAN, "mean"), Output("weight", MOVED_MEAN, "weight")))
"""One value becomes that of two states."""


@needs_numba
@pytest.mark.parametrize("of", [TOGETHER, APART, IN_ITS_PLACE, READ, TWICE])
def test_compiled_kernels_compute_the_same(of: Graph):
    feeds = feeds_for(of, SIZES, np.random.default_rng(1))
    store = {name: feeds[name].copy() for name in ("weight", "mean", "square") if name in feeds}
    found = Executor(shared_backend(), of, compile_native, store).run(feeds, SIZES)
    wanted = evaluate(of, feeds, SIZES)
    for output in of.outputs:
        value = found[output.name] if output.update is None else store[output.update]
        np.testing.assert_allclose(value, wanted[output.name], rtol=1e-12, err_msg=output.name)


SPEC = """model m(x: real[30]) -> y: class {
  dense 50 tanh
  dense 200 tanh
  dense softmax
}
train { adam lr=1e-3 ; batch 8 ; clip norm=1 ; decay 0.01 }
"""


def test_step_of_adam_moves_each_weight_by_one_kernel():
    experiment = pipeline.check(SPEC.encode(), "m.nn", sizes={"classes": 3})
    step = pipeline.optimize(pipeline.training_step(experiment).graph)
    found = [update.done for update in dense_updates(make_plan(step, {"B": 8})).values() if update is not None]
    weights = [node for node in step.inputs if isinstance(node.op, Input) and node.op.kind == "weight"]
    assert sorted(done.out.name for done in found if isinstance(done.out, Place)) == sorted(
        weight.op.name.replace(".", "_") for weight in weights if isinstance(weight.op, Input)
    )
    assert {len(done.calls) for done in found} == {3}


@pytest.mark.parametrize("train", ["adam lr=1e-3", "sgd lr=0.1 momentum=0.9"])
def test_gradient_is_computed_once_nobody_reads_the_weight_any_more(train: str):
    text = SPEC.replace("adam lr=1e-3 ; batch 8 ; clip norm=1 ; decay 0.01", train)
    step = pipeline.optimize(pipeline.training_step(pipeline.check(text.encode(), "m.nn", sizes={"classes": 3})).graph)
    nodes = schedule(step).nodes
    weight = step.input("dense.2.weight")
    reads = [i for i, n in enumerate(nodes) if isinstance(n.op, MatMul) and weight in n.inputs]
    made = [i for i, n in enumerate(nodes) if isinstance(n.op, Outer) and n.type.shape == weight.type.shape]
    assert (len(reads), len(made)) == (2, 1)
    assert reads[1] < made[0]
