"""Span metrics of rows that lie end to end."""

from __future__ import annotations

import numpy as np
import pytest

from runtime.data.labels import NONE, UNKNOWN
from runtime.data.schemes import UNKNOWN_INSIDE
from runtime.spans import span_metrics

NAMES = ("O", "B-X", "I-X", "B-Y", "I-Y")
TRUTH = np.array([1, 2, 0, 3, NONE, 1, 2, 2])
FOUND = np.array([1, 2, 0, 1, 4, 1, 2, 0])
OFFSETS = np.array([0, 4, 5, 8])


def test_spans_are_right_with_both_ends_and_their_type():
    metrics, by_type = span_metrics(TRUTH, FOUND, OFFSETS, NAMES)
    assert metrics == {
        "f1": pytest.approx(1 / 3), "precision": pytest.approx(1 / 3), "recall": pytest.approx(1 / 3),
        "accuracy": pytest.approx(5 / 7),
    }  # fmt: skip
    assert list(by_type) == ["X", "Y"]
    assert by_type["X"] == {"f1": pytest.approx(0.4), "precision": pytest.approx(1 / 3), "recall": 0.5, "count": 2}
    assert by_type["Y"] == {"f1": 0, "precision": 0, "recall": 0, "count": 1}


def test_rows_that_stand_the_other_way_round_are_read_from_their_end():
    forwards = span_metrics(TRUTH, FOUND, OFFSETS, NAMES)
    backwards = span_metrics(TRUTH[::-1], FOUND[::-1], np.array([0, 3, 4, 8]), NAMES, reverse=True)
    assert backwards == forwards
    assert span_metrics(TRUTH[::-1], FOUND[::-1], np.array([0, 3, 4, 8]), NAMES) != forwards


def test_span_that_training_lacks_is_missed():
    truth = np.array([1, UNKNOWN, UNKNOWN_INSIDE, 0])
    metrics, by_type = span_metrics(truth, np.array([1, 3, 4, 0]), np.array([0, 4]), NAMES)
    assert (metrics["precision"], metrics["recall"], metrics["accuracy"]) == (0.5, 0.5, 0.5)
    assert by_type["Y"]["count"] == 0


def test_words_have_no_types():
    names = ("B", "E", "M", "S")
    metrics, by_type = span_metrics(np.array([0, 1, 3]), np.array([0, 1, 3]), np.array([0, 2, 3]), names)
    assert metrics["f1"] == 1
    assert by_type == {}


def test_no_tags_at_all_have_no_accuracy():
    metrics, _ = span_metrics(np.array([NONE]), np.array([0]), np.array([0, 1]), NAMES)
    assert metrics["f1"] == 0
    assert np.isnan(metrics["accuracy"])
