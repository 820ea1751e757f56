"""Metrics against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from runtime.metrics import auc, class_scores, number_scores

metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed: counted by hand elsewhere")
ROWS = 50


def drawn(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(seed))


@pytest.mark.parametrize(("classes", "seed"), [(2, 1), (3, 2), (7, 3), (40, 4)])
def test_class_scores_are_those_of_sklearn(classes: int, seed: int):
    """With 40 classes some are never there, some never called, and some neither."""
    rng = drawn(seed)
    truth, predicted = rng.integers(0, classes, ROWS), rng.integers(0, classes, ROWS)
    predicted = np.where(rng.random(ROWS) < 0.5, truth, predicted)
    found = class_scores(truth, predicted, classes)
    every = list(range(classes))
    wanted = metrics.precision_recall_fscore_support(truth, predicted, average="macro", zero_division=0)
    assert (found.precision, found.recall, found.macro_f1) == pytest.approx(wanted[:3], abs=1e-12)
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, predicted))
    each = metrics.precision_recall_fscore_support(truth, predicted, labels=every, average=None, zero_division=0)
    told = [(label.precision, label.recall, label.f1, label.count) for label in found.labels]
    np.testing.assert_allclose(np.array(told), np.array(each).T, atol=1e-12)
    assert np.array(found.confusion).tolist() == metrics.confusion_matrix(truth, predicted, labels=every).tolist()


@pytest.mark.parametrize("steps", [2, 5, 1000])
def test_auc_is_that_of_sklearn_with_ties_too(steps: int):
    """Probabilities in few steps: nearly all are tied."""
    rng = drawn(steps)
    truth = rng.integers(0, 2, ROWS)
    probability = np.round(np.clip(rng.random(ROWS) * 0.7 + 0.3 * truth, 0, 1) * steps) / steps
    assert auc(truth, probability) == pytest.approx(metrics.roc_auc_score(truth, probability), abs=1e-12)


def numbers(columns: int, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = drawn(seed)
    truth = rng.normal(3, 2, (ROWS, columns))
    return truth, truth + rng.normal(0, 0.5, truth.shape)


@pytest.mark.parametrize("columns", [1, 3])
def test_number_scores_are_those_of_sklearn(columns: int):
    truth, predicted = numbers(columns, columns)
    found = number_scores(truth, predicted)
    assert found.mae == pytest.approx(metrics.mean_absolute_error(truth, predicted))
    assert found.r2 == pytest.approx(metrics.r2_score(truth, predicted))
    # Of several columns the root of all errors' mean, where scikit-learn has the mean of each column's root.
    assert found.rmse == pytest.approx(np.sqrt(metrics.mean_squared_error(truth, predicted)))
