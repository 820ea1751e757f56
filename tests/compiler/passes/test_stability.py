"""Cross-entropy of a softmax stays finite where the softmax rounds to 0."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.autodiff import gradients
from compiler.ir.graph import Graph, Input, InputKind, Node, Output, apply
from compiler.ir.types import BATCH, Dim, Dtype, Type, symbol
from compiler.ir.verify import verify
from compiler.ops.elementwise import Div, Exp, Log, Neg
from compiler.ops.normal import LogSoftmax, Softmax
from compiler.ops.reduction import Sum, TakeAlong
from compiler.ops.sequence import Mask
from compiler.passes import PASSES, optimize
from compiler.passes.stability import stability
from runtime.interpret import evaluate


def given(name: str, kind: InputKind, dtype: Dtype, *shape: Dim, zero: bool = False) -> Node:
    type = Type(dtype, shape, "zero" if zero else "finite")
    return Node(Input(name, kind, type), (), type)


def cross_entropy(dtype: Dtype) -> Graph:
    """The loss of log(softmax(x)), one label a row, and its gradient."""
    x, label = given("x", "weight", dtype, 2, 3), given("label", "data", "i64", 2, 1)
    p = apply(Softmax(), x)
    loss = apply(Neg(), apply(Sum((0, 1)), apply(TakeAlong(1), apply(Log(), p), label)))
    (gradient,) = gradients(loss, [x], {})
    assert gradient is not None
    return Graph((x, label), (Output("loss", loss), Output("p", p), Output("gradient", gradient)))


def tags(dtype: Dtype) -> Graph:
    """The same for every position of a sequence, whose padding is masked on the way back."""
    x, label = (
        given("x", "data", dtype, BATCH, symbol("T"), 3, zero=True),
        given("label", "data", "i64", BATCH, symbol("T"), 1),
    )
    lengths = given("lengths.T", "lengths", "i64", BATCH)
    picked = apply(TakeAlong(2), apply(Log(), apply(Softmax(), x)), label)
    loss = apply(Neg(), apply(Sum((0, 1, 2)), apply(Mask(), picked, lengths)))
    (gradient,) = gradients(loss, [x], {"T": lengths})
    assert gradient is not None
    return Graph((x, label, lengths), (Output("loss", loss), Output("gradient", gradient)))


def test_loss_and_gradient_of_large_logits_are_finite():
    graph = cross_entropy("f32")
    feeds = {"x": np.array([[1e4, 0, -1e4], [-1e4, 1e4, 5.0]]), "label": np.array([[2], [1]])}
    plain, stable = evaluate(graph, feeds, {}), evaluate(stability(graph), feeds, {})
    assert not np.isfinite(plain["loss"])
    assert not np.isfinite(plain["gradient"]).all()
    assert stable["loss"] == pytest.approx(2e4)
    np.testing.assert_allclose(stable["gradient"], [[1, 0, -1], [0, 0, 0]])


def test_gradient_of_a_logarithm_that_is_looked_up_is_0_beside_it_where_the_number_is_0():
    """As of a pointer's words, of which one that is not meant has come to have no share at all."""
    x, label = given("x", "weight", "f32", 2, 3), given("label", "data", "i64", 2, 1)
    loss = apply(Neg(), apply(Sum((0, 1)), apply(TakeAlong(1), apply(Log(), x), label)))
    (gradient,) = gradients(loss, [x], {})
    assert gradient is not None
    graph = Graph((x, label), (Output("gradient", gradient),))
    feeds = {"x": np.array([[0, 0.5, 0.5], [1, 0, 0]], np.float32), "label": np.array([[1], [0]])}
    assert np.isnan(evaluate(graph, feeds, {})["gradient"]).any()
    for stable in (stability(graph), optimize(graph)):
        verify(stable)
        np.testing.assert_array_equal(evaluate(stable, feeds, {})["gradient"], [[0, -2, 0], [-1, 0, 0]])


@pytest.mark.parametrize("make", [cross_entropy, tags])
def test_no_softmax_logarithm_or_division_is_left(make):
    graph = optimize(make("f64"), upto="stability")
    verify(graph)
    found = {type(node.op) for node in graph.nodes()}
    assert not found & {Softmax, Log, Div}
    assert {LogSoftmax, Exp} <= found


@pytest.mark.parametrize(
    "passes", [PASSES[:0], PASSES[:1], PASSES[:3]], ids=["at once", "after canonical", "after cse"]
)
@pytest.mark.parametrize("make", [cross_entropy, tags])
def test_gradient_is_the_same_where_both_are_finite(make, passes):
    before = after = make("f64")
    for one in passes:
        after = one.run(after)
    after = stability(after)
    rng = np.random.default_rng(3)
    shape = (2, 3) if make is cross_entropy else (2, 4, 3)
    feeds = {"x": rng.normal(size=shape), "label": rng.integers(0, 3, (*shape[:-1], 1)), "lengths.T": np.array([4, 2])}
    feeds["x"][1, 2:] = 0
    sizes = {"B": 2, "T": 4}
    wanted, found = evaluate(before, feeds, sizes), evaluate(after, feeds, sizes)
    for name in wanted:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-12, atol=1e-14)
