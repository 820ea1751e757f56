"""A convolution of looked-up words under a maximum, and its gradients, when each word is multiplied once."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.autodiff import gradients
from compiler.ir.graph import Graph, Input, InputKind, Node, Output, apply
from compiler.ir.types import BATCH, Dim, Dtype, Type, moved, symbol, times
from compiler.ir.verify import verify
from compiler.ops.distinct import DistinctRows, PutPicks, WindowSums
from compiler.ops.elementwise import Add, Mul, Tanh
from compiler.ops.lookup import Dense, Gather
from compiler.ops.product import MatMul
from compiler.ops.reduction import Max, Sum
from compiler.ops.sequence import Mask
from compiler.ops.shape import Concat, Reshape, Windows
from compiler.passes import optimize
from compiler.pipeline import compile_bucket
from runtime.execute import Executor
from runtime.interpret import evaluate
from runtime.numpy_backend import numpy_backend
from tests.compiler.random_graphs import feeds_for

T, V, D, F = symbol("T"), symbol("V"), 2, 3


def given(name: str, kind: InputKind, dtype: Dtype, *shape: Dim, zero: bool = False) -> Node:
    type = Type(dtype, shape, "zero" if zero else "finite")
    return Node(Input(name, kind, type), (), type)


def network(*kernels: Windows, beside: bool = False) -> Graph:
    """Convolutions of one text, tanh, maximum over positions; a loss and the gradients. beside: the words' sum too"""
    text = given("text", "data", "i64", BATCH, T, zero=True)
    lengths = given("lengths.T", "lengths", "i64", BATCH)
    table, bias = given("embed", "weight", "f64", V, D), given("b", "weight", "f64", F)
    weights = [given(f"w{i}", "weight", "f64", times(D, k.size), F) for i, k in enumerate(kernels)]
    x = apply(Gather(), table, text)
    pooled: list[Node] = []
    for windows, w in zip(kernels, weights, strict=True):
        seen = apply(windows, x)
        flat = apply(Reshape((*seen.type.shape[:2], times(D, windows.size))), seen)
        map_ = apply(Tanh(), apply(Add(), apply(MatMul(), flat, w), bias))
        pooled.append(apply(Max(1), apply(Mask("lowest"), map_, lengths) if map_.type.ragged is not None else map_))
    if beside:
        pooled.append(apply(Sum((1,)), x))
    y = apply(Concat(1), *pooled)
    loss = apply(Sum((0, 1)), apply(Mul(), y, apply(Tanh(), y)))
    found = gradients(loss, [table, bias, *weights], {"T": lengths})
    outputs = [
        Output(f"gradient.{i}", apply(Dense(), g) if g.type.rows is not None else g)
        for i, g in enumerate(found)
        if g is not None
    ]
    return Graph((text, lengths, table, bias, *weights), (Output("loss", loss), Output("y", y), *outputs))


NARROW, WIDE, DILATED, LONG = Windows(3), Windows(2, before=1, after=1), Windows(3, 1, 2, 3, 1), Windows(7)


@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside"])
@pytest.mark.parametrize(
    "kernels",
    [(NARROW,), (WIDE,), (DILATED,), (LONG,), (NARROW, WIDE, LONG)],
    ids=["narrow", "with ends", "with gaps", "longer than a text", "several"],
)
def test_convolution_and_its_gradients_are_the_same(kernels: tuple[Windows, ...], beside: bool):
    graph = network(*kernels, beside=beside)
    after = optimize(graph)
    verify(after)
    ops = [type(n.op) for n in after.nodes()]
    assert ops.count(WindowSums) == ops.count(PutPicks) == len(kernels)
    assert ops.count(DistinctRows) == 1
    assert Windows not in ops
    for seed, sizes in enumerate(({"B": 3, "T": 6, "V": 9}, {"B": 1, "T": 1, "V": 5}, {"B": 2, "T": 4, "V": 40})):
        # Ids are below 4, so most of them repeat; texts are shorter than the batch.
        feeds = feeds_for(graph, sizes, np.random.default_rng(seed))
        weights = {
            n.op.name: feeds[n.op.name] for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "weight"
        }
        wanted, found = evaluate(graph, feeds, sizes), evaluate(after, feeds, sizes)
        ran = Executor(numpy_backend(), after, compile_bucket, weights).run(feeds, sizes)
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12, err_msg=name)
            np.testing.assert_allclose(ran[name], value, rtol=1e-10, atol=1e-12, err_msg=name)


def test_words_that_are_all_different_need_no_room_for_zeros():
    graph = network(NARROW)
    sizes = {"B": 2, "T": 3, "V": 9}
    feeds = feeds_for(graph, sizes, np.random.default_rng(1))
    feeds |= {"text": np.array([[3, 8, 1], [7, 2, 5]]), "lengths.T": np.array([3, 3])}
    wanted, found = evaluate(graph, feeds, sizes), evaluate(optimize(graph), feeds, sizes)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-10, atol=1e-12, err_msg=name)


def test_evaluation_multiplies_each_word_once_too():
    graph = network(NARROW)
    after = optimize(Graph(graph.inputs, graph.outputs[:1]))
    assert {WindowSums, DistinctRows} <= {type(n.op) for n in after.nodes()}
    assert moved(T, -2) in [d for n in after.nodes() for d in n.type.shape]
