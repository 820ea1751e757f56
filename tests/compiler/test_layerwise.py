"""`layerwise`: how far a step moves the weights of each round."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from compiler.experiment import Experiment
from dsl.errors import SpecError
from runtime.interpret import evaluate
from tests.compiler.test_update_rules import WAYS

SPEC = """model m(x: words) -> y: class {
  embed 3 as below
  repeat 3 as tower { dense 3 tanh ; repeat 2 { dense 3 tanh } }
  mean
  repeat 2 shared as again { dense 3 tanh as top }
  dense 3 as behind
  dense softmax
}
"""
SIZES = {"V": 7, "classes": 2, "B": 2, "T": 3}
FEEDS = {"x": [[4, 5, 6], [5, 6, 0]], "lengths.T": [3, 2], "y": [0, 1], "rows": 2.0, "lr": 0.125, "step": 1, "seed": 1}


def checked(train: str) -> Experiment:
    return pipeline.check(f"{SPEC}train {{ {train} }}\n", "m.nn", sizes={"V": 7, "classes": 2}, dtype="f64")


def moves(train: str) -> dict[str, np.ndarray]:
    """What one step adds to each weight."""
    experiment = checked(train)
    rng = np.random.default_rng(1)
    weights = {p.name: rng.normal(size=[int(str(d)) for d in p.type.shape]) for p in experiment.network.parameters}
    weights["below.weight"][0] = 0
    step = pipeline.training_step(experiment)
    states = {s.name: np.full([int(str(d)) for d in s.type.shape], s.start) for s in step.states}
    fed = {name: np.asarray(value) for name, value in {**FEEDS, **weights, **states}.items()}
    found = evaluate(pipeline.optimize(step.graph), fed, SIZES)
    # A row-sparse update is written into the weight itself.
    return {o.update: found[o.name] - weights[o.update] for o in step.graph.outputs if o.update in weights}


@pytest.mark.parametrize("way", [*WAYS, "adamw ; decay 0.1"])
def test_a_round_moves_by_its_factor_for_each_round_above_it(way: str):
    plain, lowered = moves(way), moves(f"{way} ; layerwise 0.5")
    above = {"below": 4, "tower.1": 3, "tower.2": 2, "tower.3": 1, "again": 0, "behind": 0, "dense": 0}
    assert len(plain) == 1 + 3 * 6 + 3 * 2
    for name, moved in lowered.items():
        (rounds,) = (n for label, n in above.items() if name.startswith(f"{label}."))
        np.testing.assert_allclose(moved, plain[name] * 0.5**rounds, rtol=1e-9, atol=1e-15, err_msg=name)


def test_layerwise_without_a_round_is_told():
    spec = "model m(x: real[2]) -> y: class { dense softmax }\ntrain { layerwise 0.9 }\n"
    with pytest.raises(SpecError) as caught:
        pipeline.check(spec, "m.nn")
    assert [d.code for d in caught.value.diagnostics] == ["NN609"]
