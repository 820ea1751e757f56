"""Losses stay finite where a probability rounds to 0 or 1 beside the right answer."""

from __future__ import annotations

import numpy as np

from compiler import pipeline
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
