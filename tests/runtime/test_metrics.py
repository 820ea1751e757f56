import math

import numpy as np
import pytest

from runtime.metrics import auc, better, class_scores, number_scores


def ids(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def test_class_scores_agree_with_a_count_by_hand():
    scores = class_scores(ids(0, 0, 0, 1, 1, 2), ids(0, 0, 1, 1, 2, 2), 3)
    assert scores.confusion == ((2, 1, 0), (0, 1, 1), (0, 0, 1))
    assert scores.accuracy == pytest.approx(4 / 6)
    assert [label.precision for label in scores.labels] == pytest.approx([1, 1 / 2, 1 / 2])
    assert [label.recall for label in scores.labels] == pytest.approx([2 / 3, 1 / 2, 1])
    assert [label.f1 for label in scores.labels] == pytest.approx([4 / 5, 1 / 2, 2 / 3])
    assert scores.macro_f1 == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    assert scores.precision == pytest.approx(2 / 3)
    assert [label.count for label in scores.labels] == [3, 2, 1]


def test_a_label_that_training_lacks_counts_as_wrong():
    scores = class_scores(ids(0, -1, 1), ids(0, 0, 1), 2)
    assert scores.accuracy == pytest.approx(2 / 3)
    assert scores.labels[0].precision == pytest.approx(1 / 2)
    assert scores.confusion == ((1, 0), (0, 1))


def test_a_label_that_never_occurs_is_not_part_of_the_mean():
    scores = class_scores(ids(0, 1, 1), ids(0, 1, 1), 3)
    assert scores.macro_f1 == 1
    assert scores.labels[2].f1 == 0


def test_a_label_that_is_never_called_has_precision_0():
    scores = class_scores(ids(0, 1), ids(0, 0), 2)
    assert scores.labels[1].precision == 0
    assert scores.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_class_scores_of_no_rows_are_nan():
    scores = class_scores(ids(), ids(), 2)
    assert math.isnan(scores.accuracy)
    assert math.isnan(scores.macro_f1)


def test_auc_counts_ordered_pairs_and_half_of_ties():
    truth = ids(1, 1, 0, 0, 0)
    probability = np.array([0.9, 0.4, 0.4, 0.3, 0.95])
    pairs = (1 + 1 + 0) + (0.5 + 1 + 0)
    assert auc(truth, probability) == pytest.approx(pairs / 6)


def test_auc_of_one_kind_only_is_nan():
    assert math.isnan(auc(ids(1, 1), np.array([0.1, 0.2])))
    assert math.isnan(auc(ids(1, -1), np.array([0.1, 0.2])))


def test_number_scores_agree_with_a_count_by_hand():
    truth = np.array([[1.0], [2.0], [4.0]])
    scores = number_scores(truth, np.array([[1.0], [3.0], [2.0]]))
    assert scores.rmse == pytest.approx(math.sqrt(5 / 3))
    assert scores.mae == pytest.approx(1)
    mean = 7 / 3
    assert scores.r2 == pytest.approx(1 - 5 / ((1 - mean) ** 2 + (2 - mean) ** 2 + (4 - mean) ** 2))


def test_r2_of_a_constant_truth_is_nan():
    assert math.isnan(number_scores(np.array([[2.0], [2.0]]), np.array([[1.0], [3.0]])).r2)


def test_r2_leaves_out_a_column_whose_truth_is_constant():
    truth, predicted = np.array([[0.0, 5.0], [2.0, 5.0]]), np.array([[0.0, 4.0], [1.0, 5.0]])
    assert number_scores(truth, predicted).r2 == pytest.approx(1 - 1 / 2)


def test_r2_of_several_columns_is_their_mean():
    truth = np.array([[0.0, 0.0], [2.0, 4.0]])
    predicted = np.array([[0.0, 1.0], [2.0, 3.0]])
    assert number_scores(truth, predicted).r2 == pytest.approx((1 + (1 - 2 / 8)) / 2)


@pytest.mark.parametrize(
    ("metric", "a", "b", "expected"),
    [
        ("accuracy", 0.9, 0.8, True),
        ("accuracy", 0.8, 0.8, False),
        ("rmse", 0.8, 0.9, True),
        ("loss", 2.0, 1.0, False),
        ("accuracy", float("nan"), 0.0, False),
        ("accuracy", 0.0, float("nan"), True),
    ],
)
def test_better_knows_the_direction_of_each_metric(metric: str, a: float, b: float, expected: bool):
    assert better(metric, a, b) is expected
