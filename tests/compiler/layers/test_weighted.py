"""`weighted`: means of a sequence by learned scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from compiler import pipeline
from runtime.interpret import evaluate
from tests.compiler.lower.specs import refused
from tests.reference.cases import weights

LENGTHS = np.array([4, 1, 2])
SIZES = {"V": 7, "classes": 2}
BATCH = {
    "text": np.array([[2, 3, 1, 4], [5, 0, 0, 0], [6, 1, 0, 0]]),
    "lengths.T": LENGTHS,
    "y": np.array([0, 1, 0]),
}


def spec(scores: str) -> str:
    lines = f"h = embed 3 as emb\n  s = {scores}\n  weighted(h, s)\n  flatten\n  dense softmax as out"
    return f"model m(text: words) -> y: class {{\n  {lines}\n}}\n"


def of_torch(scores: Callable[..., object], numbers: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Probabilities and gradients of the mean loss, row by row without padding."""
    torch = pytest.importorskip("torch")
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in numbers.items()}
    found, loss = [], torch.zeros((), dtype=torch.float64)
    for ids, length, y in zip(BATCH["text"], LENGTHS, BATCH["y"], strict=True):
        h = tensors["emb.weight"][torch.tensor(ids[:length])]
        shares = torch.softmax(scores(torch, tensors, h), 0)
        means = (shares.T @ h).reshape(-1)
        log = torch.log_softmax(means @ tensors["out.weight"] + tensors["out.bias"], 0)
        found.append(log.exp().detach().numpy())
        loss = loss - log[y] / len(LENGTHS)
    loss.backward()
    return np.array(found), {name: t.grad.numpy() for name, t in tensors.items()}


def one_score(torch, w, h):
    return torch.tanh(h @ w["dense.weight"] + w["dense.bias"]) @ w["dense.2.weight"] + w["dense.2.bias"]


def three_scores(torch, w, h):
    return h @ w["dense.weight"] + w["dense.bias"]


@pytest.mark.parametrize(
    ("written", "scores"),
    [("h | dense 4 tanh | dense 1", one_score), ("h | dense 3", three_scores)],
    ids=["one score", "three scores"],
)
def test_weighted_is_what_torch_computes_of_each_text_alone(written: str, scores: Callable[..., object]):
    experiment = pipeline.check(spec(written) + "train { sgd lr=1 }\n", "m.nn", sizes=SIZES, dtype="f64")
    numbers = weights(experiment)
    wanted, gradients = of_torch(scores, numbers)
    sizes = {"B": 3, "T": 4}
    found = evaluate(experiment.network.prediction, {**numbers, **BATCH}, sizes)
    np.testing.assert_allclose(found["y.scores"], wanted, rtol=1e-12)
    fed = {"rows": 3, "lr": 1.0, "step": 1, "seed": 1}
    moved = evaluate(pipeline.optimize(pipeline.training_step(experiment).graph), {**numbers, **BATCH, **fed}, sizes)
    for name, before in numbers.items():
        np.testing.assert_allclose(before - moved[f"{name}'"], gradients[name], rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ("h = embed 4 ; weighted(h, (h | dense 1 | mean))", "NN204", "weighted needs a sequence, but gets a vector"),
        ("h = embed 4 ; weighted(h, (h | conv k=2 filters=1))", "NN212", "weighted of [T, 4] and [T-1, 1]"),
        ("h = onehot ; weighted(h, (h | dense 1))", "NN213", "weighted needs a width that is known, but gets V"),
        ("h = embed 4 ; dense 1 ; weighted", "NN409", "weighted takes 2 values (x, scores), but gets 1"),
        ("h = embed 4 ; weighted(h, (h | dense 1)) 3", "NN407", "weighted does not know what 3 is for"),
    ],
)
def test_wrong_use_of_weighted_is_told(body: str, code: str, said: str):
    found = refused(f"model m(text: words) -> y: class {{\n  {body} ; dense softmax\n}}\n")
    assert found.code == code
    assert said in found.message
    assert found.span is not None
