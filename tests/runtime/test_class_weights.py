"""What each label weighs."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.settings.train import TrainSettings
from runtime.class_weights import class_weights
from runtime.data import Rows, Tables
from runtime.data.rows import make
from tests.runtime.data.build import LABEL

BALANCED = TrainSettings(balanced=True)


def rows_of(*labels: int) -> Rows:
    return make((LABEL,), len(labels), {"label": np.array(labels)})


def weights_of(settings: TrainSettings, *labels: int) -> list[float] | None:
    found = class_weights(settings, rows_of(*labels), Tables({}, {"label": ("a", "b", "c")}, {}))
    return found["class_weights.label"].tolist() if found else None


def test_balanced_classes_weigh_as_in_scikit_learn():
    assert weights_of(BALANCED, 0, 0, 0, 1, 1, 2) == [6 / (3 * 3), 6 / (3 * 2), 6 / (3 * 1)]


def test_weights_of_all_rows_have_the_mean_1():
    weights = np.array(weights_of(BALANCED, 0, 0, 0, 0, 1, 2, 2))
    assert weights[[0, 0, 0, 0, 1, 2, 2]].mean() == pytest.approx(1)


def test_label_that_no_row_has_weighs_nothing():
    assert weights_of(BALANCED, 0, 1, 1, 1) == [4 / 3, 4 / 9, 0]


def test_nothing_is_weighed_unless_it_is_asked_for():
    assert weights_of(TrainSettings(), 0, 1, 2) is None
