"""What the course says of these networks is true of ours, on the data that ships."""

from __future__ import annotations

import numpy as np
import pytest

from compiler import pipeline
from runtime.events import TrainResult
from runtime.interpret import evaluate
from tests.specs.training import SPECS, trained

POINTS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
ODD = np.array([0, 1, 1, 0])


def answers(spec: str, result: TrainResult) -> np.ndarray:
    """The class that a trained XOR network gives each of the four points."""
    network = pipeline.check((SPECS / spec).read_bytes(), spec, sizes={"classes": 2}).network
    scores = evaluate(network.prediction, {"point": POINTS, **result.weights}, {"B": 4})["odd.scores"]
    return (scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else scores.argmax(1)


@pytest.mark.parametrize("seed", range(1, 11))
def test_multilayer_perceptron_solves_xor(seed: int) -> None:
    result = trained("perceptron_xor.nn", seed)
    np.testing.assert_array_equal(answers("perceptron_xor.nn", result), ODD)


@pytest.mark.parametrize("seed", range(1, 11))
def test_perceptron_fails_at_xor(seed: int) -> None:
    result = trained("perceptron.nn", seed)
    assert (answers("perceptron.nn", result) == ODD).sum() <= 3


def test_convolution_of_neighbours_tells_pairs_with_the_same_words() -> None:
    result = trained("sentiment.nn")
    assert result.test is not None
    assert result.test.value("accuracy") >= 0.95


def test_bag_of_words_cannot_tell_pairs_with_the_same_words() -> None:
    result = trained("sentiment_bag.nn")
    assert result.test is not None
    assert result.test.value("accuracy") <= 0.55


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spec", "epochs", "metric", "floor"),
    [
        ("maxent.nn", 10, "accuracy", 0.7),
        ("tabular.nn", 10, "macro_f1", 0.8),
        ("wide_features.nn", 2, "accuracy", 0.85),
        ("textcnn_channels.nn", 3, "accuracy", 0.7),
        ("siamese.nn", 3, "accuracy", 0.75),
        ("bilstm_sentiment.nn", 9, "accuracy", 0.8),
        ("reviews.nn", 2, "accuracy", 0.3),
    ],
)
def test_shipped_spec_learns_what_guessing_does_not_know(spec: str, epochs: int, metric: str, floor: float) -> None:
    result = trained(spec, sets=(f"train.epochs={epochs}",))
    assert result.valid is not None
    # The most frequent label alone is right in half of the rows at most, and has a macro F1 below 0.5.
    assert result.valid.value(metric) >= floor
