"""Cross-entropy over a vocabulary and its gradients are the same when everything comes of one array."""

from __future__ import annotations

import numpy as np

from compiler.autodiff import gradients
from compiler.ir.graph import Graph, Input, InputKind, Node, Output, apply
from compiler.ir.types import BATCH, Dim, Dtype, Type, symbol
from compiler.ir.verify import verify
from compiler.ops.elementwise import Add, Mul
from compiler.ops.normal import LogSoftmax
from compiler.ops.product import MatMul
from compiler.ops.reduction import AddAlong, PutAlong, Sum, TakeAlong
from compiler.ops.sequence import Mask
from compiler.passes import optimize
from compiler.pipeline import compile_bucket
from runtime.execute import Executor
from runtime.interpret import evaluate
from runtime.numpy_backend import numpy_backend
from tests.compiler.random_graphs import feeds_for

T, V = symbol("T"), 1000


def given(name: str, kind: InputKind, dtype: Dtype, *shape: Dim) -> Node:
    return Node(Input(name, kind, Type(dtype, shape)), (), Type(dtype, shape))


def language_model() -> Graph:
    """One label for each position of a text, each of its own weight; the loss and the gradients of all weights"""
    h, label = given("h", "data", "f64", BATCH, T, 3), given("label", "data", "i64", BATCH, T, 1)
    share = given("share", "data", "f64", BATCH, T, 1)
    lengths = given("lengths.T", "lengths", "i64", BATCH)
    w, v, b = given("w", "weight", "f64", 3, 2), given("v", "weight", "f64", 2, V), given("b", "weight", "f64", V)
    scores = apply(Add(), apply(MatMul(), apply(MatMul(), h, w), v), b)
    picked = apply(TakeAlong(2), apply(LogSoftmax(), scores), label)
    loss = apply(Sum((0, 1, 2)), apply(Mask("zero"), apply(Mul(), picked, share), lengths))
    found = gradients(loss, [w, v, b], {"T": lengths})
    outputs = [Output(f"gradient.{i}", g) for i, g in enumerate(found) if g is not None]
    return Graph((h, label, share, lengths, w, v, b), (Output("loss", loss), *outputs))


def test_loss_and_gradients_are_the_same_also_where_there_is_no_label():
    graph = language_model()
    after = optimize(graph)
    verify(after)
    ops = {type(n.op) for n in after.nodes()}
    assert AddAlong in ops
    assert not ops & {LogSoftmax, PutAlong}
    sizes = {"B": 3, "T": 4}
    feeds = feeds_for(graph, sizes, np.random.default_rng(3))
    feeds["h"] *= 30  # large enough for probabilities that round to 0 and to 1
    feeds["label"] = np.random.default_rng(4).integers(0, V, (3, 4, 1))
    feeds["label"][0, 0] = -1
    wanted, found = evaluate(graph, feeds, sizes), evaluate(after, feeds, sizes)
    weights = {name: feeds[name] for name in ("w", "v", "b")}
    ran = Executor(numpy_backend(), after, compile_bucket, weights).run(feeds, sizes)
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-10, err_msg=name)
        np.testing.assert_allclose(ran[name], value, rtol=1e-9, atol=1e-10, err_msg=name)
