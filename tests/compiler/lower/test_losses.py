"""The losses: by their formulas and as PyTorch's, and finite where a probability rounds to 0 or 1."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from compiler import pipeline
from compiler.experiment import Network
from dsl.errors import SpecError
from runtime.interpret import evaluate


def test_logistic_loss_of_a_probability_from_no_head_is_finite_where_it_is_right() -> None:
    spec = "model m(x: real) -> y: class {\n  p = dense 1 sigmoid\n  p * 1\n}\n"
    network = pipeline.check(spec, "m.nn", sizes={"classes": 2}).network
    feeds = {"x": [[-200.0], [200.0]], "y": [0, 1], "dense.weight": [[1.0]], "dense.bias": [0.0]}
    losses = evaluate(network.evaluation, feeds, {"B": 2})["y.losses"]
    np.testing.assert_allclose(losses, [0, 0], atol=1e-6)


def test_logistic_loss_of_a_probability_from_no_head_is_its_logarithm() -> None:
    spec = "model m(x: real) -> y: class {\n  p = dense 1 sigmoid\n  p * 1\n}\n"
    network = pipeline.check(spec, "m.nn", sizes={"classes": 2}).network
    feeds = {"x": [[1.0], [1.0]], "y": [0, 1], "dense.weight": [[1.0]], "dense.bias": [0.0]}
    p = 1 / (1 + np.exp(-1.0))
    losses = evaluate(network.evaluation, feeds, {"B": 2})["y.losses"]
    np.testing.assert_allclose(losses, [-np.log(1 - p), -np.log(p)], rtol=1e-6)


def lowered(output: str, body: str, train: str, **sizes: int) -> Network:
    spec = f"model m(x: real[2]) -> {output} {{\n{body}\n}}\ntrain {{ {train} }}\n"
    return pipeline.check(spec, "m.nn", sizes=sizes, dtype="f64").network


def training_loss(network: Network, feeds: dict[str, object], output: str = "loss") -> float:
    return float(evaluate(network.training, feeds, {"B": ROWS})[output])


ROWS = 4
RNG = np.random.Generator(np.random.Philox(3))
X, W, BIAS = RNG.normal(size=(ROWS, 2)), RNG.normal(size=(2, 3)), RNG.normal(size=3)
LABELS, CLASS_WEIGHTS = np.array([2, 0, 1, 1]), np.array([0.5, 2.0, 1.25])
SOFTMAX = {"x": X, "y": LABELS, "rows": ROWS, "dense.weight": W, "dense.bias": BIAS}


def log_softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))


LOSS_OF_EACH = -log_softmax(X @ W + BIAS)
"""[rows, classes]: what each label would cost."""
OWN = LOSS_OF_EACH[np.arange(ROWS), LABELS]


def test_smoothing_gives_every_label_its_part():
    found = training_loss(lowered("y: class", "dense softmax", "smoothing 0.1", classes=3), SOFTMAX)
    assert found == pytest.approx((0.9 * OWN + 0.1 * LOSS_OF_EACH.mean(axis=1)).mean())


def test_balanced_loss_is_the_weighted_mean():
    network = lowered("y: class", "dense softmax", "classes balanced", classes=3)
    found = training_loss(network, {**SOFTMAX, "class_weights.y": CLASS_WEIGHTS})
    weights = CLASS_WEIGHTS[LABELS]
    assert found == pytest.approx((weights * OWN).sum() / weights.sum())


def test_balanced_and_smoothed_loss_is_torch_s():
    torch = pytest.importorskip("torch", reason="torch is not installed: each is compared with its formula alone")
    network = lowered("y: class", "dense softmax", "classes balanced ; smoothing 0.2", classes=3)
    found = training_loss(network, {**SOFTMAX, "class_weights.y": CLASS_WEIGHTS})
    scores, weight = torch.tensor(X @ W + BIAS), torch.tensor(CLASS_WEIGHTS)
    wanted = torch.nn.functional.cross_entropy(scores, torch.tensor(LABELS), weight=weight, label_smoothing=0.2)
    assert found == pytest.approx(float(wanted))


@pytest.mark.parametrize("body", ["dense sigmoid", "p = dense 1 sigmoid\np * 1"])
def test_one_unit_for_two_labels_has_the_loss_of_two_units(body: str):
    network = lowered("y: class", body, "classes balanced ; smoothing 0.2", classes=2)
    weights, labels = CLASS_WEIGHTS[:2], np.array([1, 0, 1, 1])
    weight, bias = W[:, :1], BIAS[:1]
    feeds = {"x": X, "y": labels, "rows": ROWS, "dense.weight": weight, "dense.bias": bias, "class_weights.y": weights}
    z = X @ weight + bias
    each = -log_softmax(np.hstack([np.zeros_like(z), z]))
    own = weights[labels] * each[np.arange(ROWS), labels]
    wanted = 0.8 * own + 0.2 * (weights * each).mean(axis=1)
    assert training_loss(network, feeds) == pytest.approx(wanted.sum() / weights[labels].sum())


NUMBERS = {"x": X, "y": RNG.normal(size=(ROWS, 3)), "rows": ROWS, "dense.weight": W, "dense.bias": BIAS}
DISTANCE = np.abs(X @ W + BIAS - NUMBERS["y"])


@pytest.mark.parametrize("delta", [0.3, 1.0, 100.0])
def test_huber_is_squared_up_to_delta_and_straight_beyond(delta: float):
    network = lowered("y: real[3]", "dense", f"loss huber delta={delta}")
    wanted = np.where(delta >= DISTANCE, DISTANCE**2 / 2, delta * (DISTANCE - delta / 2))
    assert training_loss(network, NUMBERS) == pytest.approx(wanted.mean())
    plain = evaluate(network.evaluation, NUMBERS, {"B": ROWS})["y.losses"]
    np.testing.assert_allclose(plain, wanted.mean(axis=1))


def test_huber_is_torch_s():
    torch = pytest.importorskip("torch", reason="torch is not installed: compared with the formula alone")
    wanted = torch.nn.functional.huber_loss(torch.tensor(X @ W + BIAS), torch.tensor(NUMBERS["y"]), delta=0.5)
    assert training_loss(lowered("y: real[3]", "dense", "loss huber delta=0.5"), NUMBERS) == pytest.approx(
        float(wanted)
    )


def test_contrastive_loss_brings_like_close_and_unlike_a_margin_apart():
    spec = """model m(a: real[2], b: real[2]) -> same: class {
  cosine(a, b)
}
train { loss contrastive margin=0.5 }
"""
    network = pipeline.check(spec, "m.nn", sizes={"classes": 2}, dtype="f64").network
    a = np.array([[1.0, 0.0]] * 4)
    b = np.array([[1.0, 0.0], [0.6, 0.8], [1.0, 0.0], [0.8, 0.6]])
    labels = np.array([1, 1, 0, 0])
    # cosines 1, 0.6, 1, 0.8: distances 0, 0.4, 0, 0.2
    losses = evaluate(network.evaluation, {"a": a, "b": b, "same": labels}, {"B": 4})["same.losses"]
    np.testing.assert_allclose(losses, [0, 0.16, 0.25, 0.09], atol=1e-12)
    assert network.heads[0].kind == "score"


@pytest.mark.parametrize("end", ["dense softmax", "dense 3"])
def test_contrastive_loss_is_refused_for_more_than_one_score(end: str):
    with pytest.raises(SpecError) as caught:
        lowered("y: class", end, "loss contrastive")
    assert [d.code for d in caught.value.diagnostics] == ["NN209"]


def test_loss_sum_tells_the_mean_and_follows_the_sum():
    network = lowered("y: class", "dense softmax", "loss sum", classes=3)
    assert training_loss(network, SOFTMAX) == pytest.approx(OWN.mean())
    assert training_loss(network, SOFTMAX, "objective") == pytest.approx(OWN.sum())


def test_balanced_loss_sum_is_that_of_the_weighted_losses():
    network = lowered("y: class", "dense softmax", "loss sum ; classes balanced", classes=3)
    found = training_loss(network, {**SOFTMAX, "class_weights.y": CLASS_WEIGHTS}, "objective")
    assert found == pytest.approx((CLASS_WEIGHTS[LABELS] * OWN).sum())


def test_outputs_weigh_what_loss_says_and_smoothing_is_of_each():
    body = "a = dense softmax\nb = x | dense"
    network = lowered("a: class, b: real[3]", body, "loss huber a=0.5 b=3 ; smoothing 0.1", classes=3)
    feeds = SOFTMAX | {"a": LABELS, "b": NUMBERS["y"], "dense.2.weight": W, "dense.2.bias": BIAS}
    huber = np.where(DISTANCE <= 1, DISTANCE**2 / 2, DISTANCE - 0.5).mean()
    smoothed = (0.9 * OWN + 0.1 * LOSS_OF_EACH.mean(axis=1)).mean()
    assert training_loss(network, feeds) == pytest.approx(0.5 * smoothed + 3 * huber)


@pytest.mark.parametrize(("body", "classes"), [("dense softmax", 3), ("dense sigmoid", 2)])
def test_smoothed_loss_of_large_scores_is_finite(body: str, classes: int):
    network = lowered("y: class", body, "smoothing 0.1", classes=classes)
    units = classes if classes > 2 else 1
    feeds = SOFTMAX | {"y": LABELS % classes, "dense.weight": 1e4 * W[:, :units], "dense.bias": BIAS[:units]}
    assert np.isfinite(evaluate(pipeline.optimize(network.training), feeds, {"B": ROWS})["loss"])


def test_evaluation_knows_no_smoothing_and_no_weights():
    network = lowered("y: class", "dense softmax", "loss sum y=3 ; classes balanced ; smoothing 0.2", classes=3)
    np.testing.assert_allclose(evaluate(network.evaluation, SOFTMAX, {"B": ROWS})["y.losses"], OWN)
