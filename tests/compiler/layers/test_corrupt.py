"""`corrupt`: a share of the numbers is 0 while training."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from compiler.ir.graph import Graph, Output
from compiler.ops.elementwise import Relu
from dsl.errors import SpecError
from runtime.interpret import evaluate

X = np.linspace(1, 2, 4000).reshape(4, 1000)


def noised(mode: str, p: str = "30%", seed: int = 1) -> np.ndarray:
    spec = f"model m(x: real[1000]) -> again: copy(x) {{\n  corrupt {p}\n  relu\n}}\n"
    graph = getattr(pipeline.check(spec, "m.nn", dtype="f64").network, mode)
    seen = next(n for n in graph.nodes() if isinstance(n.op, Relu))
    fed = {"x": X, "seed": seed, "step": 1}
    return evaluate(Graph(graph.inputs, (Output("seen", seen),)), fed, {"B": 4})["seen"]


def test_corrupt_sets_a_share_to_0_and_leaves_the_others_as_they_are():
    found = noised("training")
    assert 0.27 < (found == 0).mean() < 0.33
    np.testing.assert_array_equal(found[found != 0], X[found != 0])


def test_corrupt_draws_anew_by_its_seed():
    assert (noised("training") != noised("training", seed=2)).any()
    np.testing.assert_array_equal(noised("training"), noised("training"))


@pytest.mark.parametrize("mode", ["evaluation", "prediction"])
def test_corrupt_does_nothing_outside_of_training(mode: str):
    np.testing.assert_array_equal(noised(mode), X)


@pytest.mark.parametrize(("p", "code"), [("1", "NN404"), ("", "NN405"), ("30% words", "NN402")])
def test_wrong_corrupt_is_told(p: str, code: str):
    with pytest.raises(SpecError) as caught:
        noised("training", p)
    assert caught.value.diagnostics[0].code == code
