"""What is asked about some positions alone is computed there alone, and is what it was."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from compiler.experiment import Experiment
from compiler.ir.graph import Graph, Node
from compiler.ops.attention import HeadMix
from compiler.ops.picking import PickPositions
from compiler.ops.product import MatMul
from runtime.interpret import evaluate

SIZES = {"V": 11}


def checked(body: str, outputs: str = "word: masked(pair)") -> Experiment:
    spec = f"model m(pair: sentence_pair) -> {outputs} {{\n{body}}}\n"
    return pipeline.check(spec, "m.nn", sizes=SIZES, dtype="f64")


def flops(graph: Graph, **sizes: int) -> int:
    return sum(n.op.flops(tuple(i.type for i in n.inputs), n.type, sizes) for n in graph.nodes())


PLAIN = """  h = pair | embed 4 as emb | attention
  word = h | dense 6 gelu | layernorm | dense softmax
"""
WITH_FOLLOWS = PLAIN + "  follows = h | first | dense softmax\n"


def test_the_head_of_a_vocabulary_is_computed_where_tokens_are_masked_alone():
    many = 2000
    for outputs, body in (("word: masked(pair)", PLAIN), ("word: masked(pair), follows: follows(pair)", WITH_FOLLOWS)):
        spec = f"model m(pair: sentence_pair) -> {outputs} {{\n{body}}}\n"
        step = pipeline.training_step(pipeline.check(spec, "m.nn", sizes={"V": many}))
        graph = pipeline.optimize(step.graph)
        spent = {m: flops(graph, **{"B": 8, "T": 20, "M.word": m}) for m in (8, 16, 8 * 20)}
        of_one = (spent[16] - spent[8]) / 8
        # Forward and two products backwards, and what softmax and loss take for each word.
        assert 3 * 2 * 6 * many < of_one < 3 * 2 * 6 * many * 1.3
        assert spent[8 * 20] - spent[8] == (8 * 20 - 8) * of_one
        assert spent[8] < spent[8 * 20] / 5


def node_at_mask(graph: Graph) -> list[Node]:
    return [n.inputs[0] for n in graph.nodes() if isinstance(n.op, PickPositions)]


def test_positions_are_picked_as_early_as_nothing_else_needs_them():
    (picked,) = node_at_mask(checked(PLAIN).network.evaluation)
    assert any(isinstance(n.op, HeadMix) for n in _made_of(picked, 4))
    experiment = checked(WITH_FOLLOWS, "word: masked(pair), follows: follows(pair)")
    (shared,) = node_at_mask(experiment.network.evaluation)
    # What `first` takes one position of is there anyway.
    assert not any(n.op == MatMul() and shared in n.inputs for n in experiment.network.evaluation.nodes())


def _made_of(node: Node, steps: int) -> list[Node]:
    found = [node]
    for _ in range(steps):
        found += [i for n in found for i in n.inputs]
    return found


@pytest.mark.parametrize(
    "body",
    [
        PLAIN,
        "  embed 4\n  residual { dense 4 tanh }\n  dense softmax\n",
        "  embed 4\n  conv k=3 filters=5 same\n  relu\n  dense softmax\n",
        "  embed 4\n  lstm 3 bidir\n  dense 5 relu\n  dense softmax\n",
        "  a = pair | embed 4\n  b = pair | embed 4\n  word = concat(a, b * 2) | layernorm | dense softmax\n",
        "  m = pair | embed 4 | mean\n  h = pair | embed 4\n  word = h + m | dense softmax\n",
        "  e = pair | embed 4 as emb | positions sinusoid | attention\n  word = e | dense softmax tied=emb\n",
    ],
)
def test_what_is_picked_is_what_it_was_at_that_position(body: str):
    masked = checked(body).network
    rng = np.random.default_rng(2)
    shapes = {
        p.name: tuple(int(d) if isinstance(d, int) else SIZES["V"] for d in p.type.shape) for p in masked.parameters
    }
    weights = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    for name in weights:
        if name.startswith(("embed", "emb")):
            weights[name][0] = 0
    ids = np.array([[2, 5, 6, 3, 0], [2, 7, 8, 9, 3]])
    places = np.array([[1, 7, 5, -1]])
    feeds = {**weights, "pair": ids, "lengths.T": np.array([4, 5])}
    sizes = {"B": 2, "T": 5, "M.word": 4, "classes": 11}
    found = evaluate(masked.prediction, {**feeds, "word.places": places}, sizes)["word.scores"]
    # A label set of as many classes as there are words.
    spec = f"model m(pair: sentence_pair) -> tags: class per pair {{\n{body.replace('word =', 'tags =')}}}\n"
    whole = pipeline.check(spec, "m.nn", sizes={**SIZES, "classes": 11}, dtype="f64").network
    wanted = evaluate(whole.prediction, feeds, sizes)["tags.scores"]
    np.testing.assert_allclose(found[0, :3], wanted.reshape(10, -1)[places[0, :3]], atol=1e-12)


def test_the_gradient_is_that_of_a_head_at_all_positions_whose_targets_are_few():
    """The same loss, written as labels of positions of which most have none."""
    masked = checked(PLAIN)
    spec = f"model m(pair: sentence_pair) -> tags: class per pair {{\n{PLAIN.replace('word =', 'tags =')}}}\n"
    whole = pipeline.check(spec, "m.nn", sizes={**SIZES, "classes": 11}, dtype="f64")
    rng = np.random.default_rng(4)
    weights = {p.name: rng.normal(size=[int(str(d)) for d in p.type.shape]) for p in masked.network.parameters}
    weights["emb.weight"][0] = 0
    text = {"pair": np.array([[2, 5, 6, 3, 0], [2, 7, 8, 9, 3]]), "lengths.T": np.array([4, 5])}
    numbers = {"rows": 2.0, "lr": 1.0, "step": 1, "seed": 1}
    targets = np.full((2, 5), -2)
    targets.reshape(-1)[[1, 7]] = [6, 4]
    asked = {"word.places": np.array([[1, 7, -1]]), "word": np.array([[6, 4, -1]])}
    sizes = {"B": 2, "T": 5, "M.word": 3}
    updated = []
    for experiment, given in ((masked, asked), (whole, {"tags": targets})):
        step = pipeline.training_step(experiment)
        states = {s.name: np.full([int(str(d)) for d in s.type.shape], s.start) for s in step.states}
        feeds = {**weights, **text, **numbers, **given, **states}
        found = evaluate(pipeline.optimize(step.graph), feeds, sizes)
        moved = {o.update: found[o.name] for o in step.graph.outputs if o.update in weights}
        updated.append(moved | {"loss": found["loss"]})
    for name, values in updated[0].items():
        np.testing.assert_allclose(values, updated[1][name], atol=1e-9, err_msg=str(name))
