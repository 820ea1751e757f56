"""What cells become: the same numbers, in as few loops, products and calls as a program written by hand needs."""

from __future__ import annotations

from collections import Counter
from secrets import randbelow

import numpy as np
import pytest

from compiler.autodiff import gradients
from compiler.ir.graph import Graph, Input, Output, apply
from compiler.ops.lookup import Dense
from compiler.ops.product import MatMul, Outer
from compiler.ops.scan import Scan
from compiler.passes import optimize
from compiler.pipeline import check, compile_bucket
from compiler.plan.plan import Call, Plan, Positions
from runtime.interpret import evaluate
from runtime.numpy_backend import numpy_backend
from tests.compiler.random_cells import random_cell, random_use
from tests.compiler.test_scan_program import run

SIZES = {"B": 3, "T": 4}

LSTM = """cell lstm_of_mine(x) state out, memory {
  candidate = tanh(linear(x, out))
  write = sigmoid(linear(x, out))
  show = sigmoid(linear(x, out))
  keep = sigmoid(linear(x, out))
  memory' = write * candidate + keep * memory
  out' = tanh(memory') * show
}
"""


def with_gradients(cell: str, use: str) -> Graph:
    """Loss and gradients of a model around a use of a cell, in float64, not optimized."""
    text = f"{cell}model m(text: words) -> y: real[2] {{\nembed 4\n{use}\nmean\ndense\n}}\n"
    graph = check(text, "m.nn", sizes={"V": 7}, dtype="f64").network.training
    weights = [n for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "weight"]
    loss = next(o.node for o in graph.outputs if o.name == "loss")
    found = gradients(loss, weights, {"T": graph.input("lengths.T")})
    outputs = [
        Output(f"d.{w.op.name}", apply(Dense(), g) if g.type.rows is not None else g)
        for w, g in zip(weights, found, strict=True)
        if g is not None and isinstance(w.op, Input)
    ]
    return Graph(graph.inputs, (Output("loss", loss), *outputs))


def fed(graph: Graph, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, SIZES["T"] + 1, SIZES["B"])
    feeds: dict[str, np.ndarray] = {"lengths.T": lengths, "rows": np.array(float(SIZES["B"]))}
    for node in graph.inputs:
        assert isinstance(node.op, Input)
        if node.op.name in feeds:
            continue
        shape = tuple(d if isinstance(d, int) else SIZES[str(d)] for d in node.type.shape)
        feeds[node.op.name] = rng.normal(size=shape)
    ids = rng.integers(1, 7, (SIZES["B"], SIZES["T"]))
    return {**feeds, "text": np.where(np.arange(SIZES["T"]) < lengths[:, None], ids, 0)}


@pytest.mark.parametrize("number", range(200))
def test_optimized_random_cell_computes_the_same(number: int):
    seed = randbelow(2**32)
    attends = number % 4 == 0
    cell, use = random_cell(seed, attends=attends), random_use(seed, attends=attends)
    graph = with_gradients(cell, use)
    feeds = fed(graph, seed)
    optimized = optimize(graph)
    wanted, found = evaluate(graph, feeds, SIZES), run(optimized, feeds, numpy_backend())
    for name, value in wanted.items():
        message = f"{name}, seed {seed}:\n{cell}{use}"
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-12, err_msg=message)
    # Each loop runs once for its values and once back.
    assert loops(optimized) * 3 == loops(graph) * 2, f"seed {seed}"


def loops(graph: Graph) -> int:
    return sum(isinstance(n.op, Scan) for n in graph.nodes())


def test_states_that_lie_side_by_side_stay_finite_in_the_padding():
    cell = "cell c(x) state a, b {\n  a' = 1 / linear(x, a)\n  b' = 1 / linear(x, a)\n}\n"
    graph = with_gradients(cell, "c 4\nc 3")
    feeds = fed(graph, 0)
    wanted, found = evaluate(graph, feeds, SIZES), run(optimize(graph), feeds, numpy_backend())
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, err_msg=name)


class Cost:
    """What a program does: in one step of each loop, the forward ones first, and around the loops.

    steps: products, other calls of NumPy and copies; around: products
    """

    def __init__(self, plan: Plan) -> None:
        self.steps: list[tuple[int, int, int]] = []
        self.around = 0
        for step in plan.steps:
            for work in step.work:
                if isinstance(work, Positions):
                    self.steps.append(counted(work.calls))
                elif isinstance(work, Call):
                    self.around += isinstance(work.op, (MatMul, Outer))


def counted(calls: tuple[Call, ...]) -> tuple[int, int, int]:
    names = Counter(type(c.op).__name__ for c in calls)
    products, copies = (
        names.pop("MatMul", 0) + names.pop("Outer", 0),
        names.pop("Broadcast", 0) + names.pop("Concat", 0),
    )
    # A sigmoid is a tanh between two products with a half and a sum.
    return products, sum(names.values()) + 3 * names["Sigmoid"], copies


def cost(cell: str, use: str) -> Cost:
    _, plan = compile_bucket(optimize(with_gradients(cell, use)), SIZES)
    return Cost(plan)


# x W for all gates and positions, its gradient, those of W and of U; three are the dense layer's. A GRU's reset comes
# between two products, a projection is one more.
COSTS = {
    "elman 3": ([(1, 2, 0), (1, 4, 0)], 4 + 3),
    "srn 3": ([(1, 2, 0), (1, 4, 0)], 4 + 3),
    "leaky 3": ([(0, 1, 0), (0, 4, 0)], 3 + 3),
    "leaky_deep 3": ([(1, 3, 0), (1, 5, 0)], 4 + 3),
    "gru 3": ([(2, 12, 0), (2, 16, 0)], 7 + 3),
    "gru_after 3": ([(1, 13, 0), (1, 15, 0)], 6 + 3),
    "lstm 3": ([(1, 10, 0), (1, 15, 0)], 4 + 3),
    "lstm_1997 3": ([(1, 9, 0), (1, 13, 0)], 4 + 3),
    "lstm_peephole 3": ([(1, 20, 0), (1, 25, 0)], 4 + 3),
    "lstm_coupled 3": ([(1, 11, 0), (1, 17, 0)], 4 + 3),
    "lstm_projected 3 width=2": ([(2, 11, 0), (2, 15, 0)], 5 + 3),
}


@pytest.mark.parametrize("use", COSTS)
def test_cell_of_the_library_costs_so_much(use: str):
    found = cost("", use)
    assert (found.steps, found.around) == COSTS[use]


def test_lstm_of_a_user_in_another_order_costs_the_same():
    ours, theirs = cost("", "lstm 3"), cost(LSTM, "lstm_of_mine 3")
    assert (theirs.steps, theirs.around) == (ours.steps, ours.around)


def test_second_direction_costs_as_much_as_the_first():
    one, both = cost("", "lstm 3"), cost("", "lstm 3 bidir")
    assert sorted(both.steps) == sorted(2 * one.steps)
