"""Weights written out, outside of cells: param and @."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.autodiff import gradients
from compiler.ir.graph import Graph, Input, Output
from compiler.pipeline import check
from runtime.interpret import evaluate
from tests.compiler.lower.specs import Place, checked, errors, model, weights


def numbers(body: str, width: int = 2) -> str:
    return model(body, f"x: real[{width}]", "y: real[3]")


def scores(spec: str, x: list[list[float]], **given: object) -> np.ndarray:
    graph = check(spec, "m.nn", dtype="f64").network.prediction
    return evaluate(graph, {"x": x, **given}, {"B": len(x)})["y.scores"]


def test_param_outside_of_a_cell_starts_from_0_or_as_it_says():
    found = {
        p.name: p.init
        for p in checked(numbers("W = param[3, dim(x)] normal scale=2\nW @ x + param[3]")).network.parameters
    }
    assert {name: (init.kind, init.scale) for name, init in found.items()} == {
        "param.weight": ("normal", 2),
        "param.2.weight": ("zeros", None),
    }


def test_matrix_times_a_value_and_a_vector_of_weights():
    w, b = np.arange(6.0).reshape(3, 2), np.array([1.0, 2.0, 3.0])
    found = scores(
        numbers("W = param[3, dim(x)]\nW @ x + param[3]"), [[1, 2], [3, 4]], **{"param.weight": w, "param.2.weight": b}
    )
    np.testing.assert_allclose(found, [w @ [1, 2] + b, w @ [3, 4] + b])


def test_label_names_a_param():
    spec = numbers("W = param[3, 2] as out frozen\nW @ x + param[3]")
    assert [(p.name, p.trained) for p in checked(spec).network.parameters] == [
        ("out.weight", False),
        ("param.weight", True),
    ]
    frozen = checked(spec.replace(" frozen", "") + "train { freeze out }\n").network.parameters
    assert [p.trained for p in frozen] == [False, True]
    assert weights(numbers("W = param[3, 2] as out\n(W @ x) * (out.weight @ x)")) == {"out.weight": "[3, 2]"}


@pytest.mark.parametrize(
    "body",
    [
        "concat(x, param[1])",
        "relu(param[3]) + (x | dense 3)",
        "max(param[3], (x | dense 3))",
        "dot(x, param[2]) * param[3]",
        "s = param[4]\nlinear(x, s) 3",
    ],
)
def test_vector_of_weights_is_a_value_that_all_examples_share(body: str):
    graph = check(numbers(body), "m.nn", dtype="f64").network.training
    rng = np.random.default_rng(0)
    weights = [n for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "weight"]
    given = {n.op.name: rng.normal(size=n.type.shape) for n in weights if isinstance(n.op, Input)}
    given |= {"x": rng.normal(size=(5, 2)), "y": rng.normal(size=(5, 3)), "rows": 5.0}
    loss = next(o.node for o in graph.outputs if o.name == "loss")
    (param,) = [n for n in weights if isinstance(n.op, Input) and n.op.name == "param.weight"]
    (slope,) = gradients(loss, [param], {})
    assert slope is not None
    found = evaluate(Graph(graph.inputs, (Output("slope", slope),)), given, {"B": 5})["slope"]
    for i in range(len(found)):
        moved = [{**given, "param.weight": given["param.weight"] + d * np.eye(len(found))[i]} for d in (1e-5, -1e-5)]
        up, down = (evaluate(graph, m, {"B": 5})["loss"] for m in moved)
        np.testing.assert_allclose(found[i], (up - down) / 2e-5, rtol=1e-6, atol=1e-8)


def test_first_state_may_be_learned():
    spec = model("x = embed 4\nx | gru(h=param[3]) 3\nlast\ndense softmax")
    assert weights(spec)["param.weight"] == "[3]"


def test_param_tied_to_a_layer_is_its_weight_either_way_round():
    body = "d = x | dense 4 as q\nW = param[2, 4] tied=q\nV = param[4, 2] tied=q\n(W @ d) + (W @ (V @ x)) | dense 3"
    assert list(weights(numbers(body))) == ["q.weight", "q.bias", "dense.weight", "dense.bias"]
    w = np.arange(8.0).reshape(2, 4)
    given = {"q.weight": w, "q.bias": np.ones(4), "dense.weight": np.eye(2, 3), "dense.bias": np.zeros(3)}
    found = scores(numbers(body), [[1.0, -2.0]], **given)
    x = np.array([1.0, -2.0])
    np.testing.assert_allclose(found[0, :2], w @ (x @ w + 1) + w @ (w.T @ x))


def test_biases_of_a_factorization_start_from_0():
    body = "u = user | embed 4\nv = item | embed 4\ndot(u, v) + (user | embed 1) + param[1]"
    spec = model(body, "user: category, item: category", "stars: real")
    found = {p.name: p.init.kind for p in checked(spec).network.parameters}
    assert found["param.weight"] == "zeros"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("W = param[3, 2]\nx * W", [("NN504", 3, 1)]),
        ("W = param[3, 2]\nW | dense 3", [("NN504", 3, 5)]),
        ("param[3]", [("NN203", 1, 24)]),
        ("W = param[3, 5]\nW @ x", [("NN551", 3, 1)]),
        ("x @ param[3, 2]", [("NN551", 2, 1)]),
        ("param 3", [("NN560", 2, 1)]),
        ("param[3, 2, 1]", [("NN560", 2, 1)]),
        ("param[3, 0]", [("NN403", 2, 10)]),
        ("param[n]", [("NN301", 2, 7)]),
        ("W = param[3, 3] tied=q\nW @ x", [("NN308", 2, 17)]),
        ("d = x | dense 4 as q\nW = param[3, 3] tied=q\nW @ (d | dense 3)", [("NN506", 3, 5)]),
        ("param[3] as x", [("NN302", 2, 13)]),
    ],
)
def test_param_that_means_nothing_is_refused(body: str, wanted: list[Place]):
    assert errors(numbers(body)) == wanted
