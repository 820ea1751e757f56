"""`mix`: a learned weighted sum of several values."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from dsl.errors import SpecError
from runtime.interpret import evaluate
from tests.reference.cases import weights

X = np.array([[1.0, -2.0], [0.5, 3.0]])
SPEC = "model m(x: real[2]) -> y: real[2] {\n  mix(x, x * x, tanh(x)) as m\n}\ntrain { sgd lr=1 }\n"


def test_mix_begins_as_the_mean():
    experiment = pipeline.check(SPEC, "m.nn", dtype="f64")
    starts = {p.name: (p.init.kind, p.init.scale) for p in experiment.network.parameters}
    assert starts == {"m.weight": ("zeros", None), "m.scale": ("constant", 1.0)}
    fed = {"x": X, "m.weight": np.zeros(3), "m.scale": np.ones(1)}
    found = evaluate(experiment.network.prediction, fed, {"B": 2})["y.scores"]
    np.testing.assert_allclose(found, (X + X * X + np.tanh(X)) / 3, rtol=1e-12)


def test_mix_and_its_gradients_are_torchs():
    torch = pytest.importorskip("torch")
    experiment = pipeline.check(SPEC, "m.nn", dtype="f64")
    store, target = weights(experiment), np.array([[1.0, 0.0], [2.0, -1.0]])
    w, scale = (torch.tensor(store[f"m.{n}"], requires_grad=True) for n in ("weight", "scale"))
    x, s = torch.tensor(X), torch.softmax(w, 0)
    y = scale * (s[0] * x + s[1] * x * x + s[2] * torch.tanh(x))
    ((y - torch.tensor(target)) ** 2).mean().backward()
    step = pipeline.optimize(pipeline.training_step(experiment).graph)
    fed = {**store, "x": X, "y": target, "rows": 2, "lr": 1.0, "step": 1, "seed": 1}
    moved = evaluate(step, fed, {"B": 2})
    for name, weight in (("m.weight", w), ("m.scale", scale)):
        np.testing.assert_allclose(store[name] - moved[f"{name}'"], weight.grad.numpy(), rtol=1e-10)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("mix(x, (x | dense 3))", "NN201", "mix of [2] and [3]: the shapes do not meet"),
        ("mix(x, y=x)", "NN409", "the values of mix have no names"),
        ("mix(x, x) 3", "NN407", "mix does not know what 3 is for"),
        ("mix(x, x) as x", "NN302", "x is given twice"),
    ],
)
def test_wrong_mix_is_told(line: str, code: str, said: str):
    with pytest.raises(SpecError) as caught:
        pipeline.check(f"model m(x: real[2]) -> y: real {{\n  {line}\n  dense\n}}\n", "m.nn")
    (found,) = caught.value.diagnostics
    assert (found.code, found.span and found.span.line) == (code, 2)
    assert said in found.message
