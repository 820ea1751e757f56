"""A step gives what the whole graph gives at each position, for layers that look behind only."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.experiment import Network
from compiler.ir.graph import Graph, Input
from compiler.ir.types import bound_shape
from compiler.ir.verify import verify
from compiler.pipeline import check, compile_bucket, optimize
from compiler.step import NoStep, Step, step_of
from runtime.backend import Array
from runtime.execute import Executor
from runtime.interpret import evaluate
from runtime.numpy_backend import numpy_backend
from tests.compiler.passes.test_random_graphs import seeds
from tests.compiler.random_language_models import random_language_model

V, LENGTH = 9, 6
IDS = np.array([[2, 5, 8, 4, 4, 7], [3, 1, 6, 5, 8, 2]])
"""Two texts."""


def network_of(text: str) -> Network:
    return check(text, "m.nn", sizes={"V": V, "classes": V}, dtype="f64").network


def lines(*body: str, output: str = "next: next(text)") -> Network:
    return network_of(f"model m(text: words) -> {output} {{\n  embed 4\n" + "".join(f"  {b}\n" for b in body) + "}\n")


def weights_of(graph: Graph, seed: int = 0) -> dict[str, Array]:
    rng = np.random.default_rng(seed)
    weights = [n for n in graph.inputs if isinstance(n.op, Input) and n.op.kind == "weight"]
    return {n.op.name: rng.normal(size=bound_shape(n.type, {})) / 2 for n in weights}


def whole(graph: Graph, weights: dict[str, Array], ids: Array) -> Array:
    """[B, T, V]"""
    fed = {**weights, "text": ids, "lengths.T": np.full(len(ids), ids.shape[1])}
    return evaluate(graph, fed, {"B": len(ids), "T": ids.shape[1]})["next.scores"]


def stepped(step: Step, weights: dict[str, Array], ids: Array) -> list[Array]:
    """[B, V] of each position."""
    sizes = {"B": len(ids), **({"T": ids.shape[1] + 1} if step.grows else {})}
    past = {n.op.name: np.zeros(bound_shape(n.type, sizes)) for n in step.grows if isinstance(n.op, Input)}
    store = weights | past | evaluate(step.start, weights, {"B": len(ids)})
    executor = Executor(numpy_backend(), optimize(step.graph), compile_bucket, store)
    found: list[Array] = []
    for t in range(ids.shape[1]):
        fed = {"text": ids[:, t : t + 1], "lengths.T": np.full(len(ids), t + 1)}
        found.append(executor.run(fed, sizes)["next.scores"][:, 0].copy())
    return found


def step_in(network: Network) -> Step:
    step = step_of(network.prediction, "next.scores", "T")
    assert isinstance(step, Step), step
    verify(step.graph)
    verify(step.start)
    return step


def assert_same(network: Network, seed: int = 0) -> None:
    step, weights = step_in(network), weights_of(network.prediction, seed)
    found = stepped(step, weights, IDS)
    for t in range(LENGTH):
        expected = whole(network.prediction, weights, IDS[:, : t + 1])[:, t]
        np.testing.assert_allclose(found[t], expected, rtol=0, atol=1e-12)


def test_random_language_models_step_as_they_read():
    for seed in seeds():
        assert_same(network_of(random_language_model(seed)), seed)


@pytest.mark.parametrize(
    "body",
    [
        ("lstm 3 layers=2", "dense softmax"),
        ("conv k=3 filters=4 causal dilation=2", "dense softmax"),
        ("x = dense 4", "start = param[3]", "gru(x, h=start) 3", "dense softmax"),
        ("attention causal heads=2", "attention causal", "dense softmax"),
        ("positions sinusoid", "causal_layer heads=2 ff=6", "layernorm", "dense softmax"),
        ("lstm 4", "attention causal", "conv k=2 filters=3 causal", "dense softmax"),
        ("x = dense 4 tanh", "concat(x, (x | lstm 2), (x | conv k=3 filters=2 causal))", "dense softmax"),
    ],
)
def test_layer_steps_as_it_reads(body: tuple[str, ...]):
    assert_same(lines(*body))


def test_step_has_no_loop_and_no_positions():
    step = step_in(lines("lstm 4 layers=2", "conv k=2 filters=4 causal", "dense softmax"))
    assert "scan" not in {type(n.op).__name__.lower() for n in step.graph.nodes()}
    assert {str(d) for n in step.graph.nodes() for d in n.type.shape if not isinstance(d, int)} == {"B"}


def test_step_carries_states_of_every_layer_and_what_a_convolution_looks_back_at():
    step = step_in(lines("lstm 5 layers=2", "conv k=4 filters=4 causal", "dense softmax"))
    shapes = {n.op.name: str(n.type) for n in step.carried if isinstance(n.op, Input)}
    assert shapes == {
        "h": "f64[B, 5]", "c": "f64[B, 5]", "h.2": "f64[B, 5]", "c.2": "f64[B, 5]", "past": "f64[B, 3, 5]",
    }  # fmt: skip


def test_step_carries_keys_and_values_of_all_positions_so_far():
    step = step_in(lines("attention causal heads=2", "dense softmax"))
    assert {n.op.name: str(n.type) for n in step.grows if isinstance(n.op, Input)} == {
        "past": "f64[B, T, 4]", "past.2": "f64[B, T, 4]",
    }  # fmt: skip
    assert step.counts
    assert not step.start.outputs


def test_input_named_as_a_state_keeps_its_name():
    network = network_of("model m(h: words) -> y: next(h) {\n  embed 4\n  srn 4\n  dense softmax\n}\n")
    step = step_of(network.prediction, "y.scores", "T")
    assert isinstance(step, Step)
    assert [n.op.name for n in step.graph.inputs if isinstance(n.op, Input) and n.op.kind != "weight"] == ["h", "h.2"]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (("lstm 4 bidir", "dense softmax"), 3),
        (("lstm 4 reverse", "dense softmax"), 3),
        (("dense 4 relu", "conv k=3 filters=4 same", "dense softmax"), 4),
        (("x = lstm 4 as a", "lstm(x, h=a.h) 4", "dense softmax"), 4),
    ],
)
def test_what_looks_ahead_has_no_step_and_names_its_line(body: tuple[str, ...], line: int):
    network = lines(*body, output="y: class per text")
    found = step_of(network.prediction, "y.scores", "T")
    assert isinstance(found, NoStep)
    assert found.span is not None
    assert found.span.line == line
