"""How good predictions are: pure functions of true and predicted values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runtime.backend import Array

LOWER_IS_BETTER = frozenset(
    {"loss", "rmse", "mae", "persistence_rmse", "least_squares_rmse", "perplexity", "nats", "mean"}
)


@dataclass(frozen=True)
class LabelScores:
    """One label's share: of what was called so how much is right, of what is so how much was found."""

    precision: float
    recall: float
    f1: float
    count: int


@dataclass(frozen=True)
class ClassScores:
    """confusion: how often a true label (row) was called so (column); labels: one entry for each label of the model.

    precision, recall and macro_f1 are means over the labels that occur, in the truth or in the predictions.
    """

    accuracy: float
    macro_f1: float
    precision: float
    recall: float
    labels: tuple[LabelScores, ...]
    confusion: tuple[tuple[int, ...], ...]


def class_scores(truth: Array, predicted: Array, classes: int) -> ClassScores:
    """truth, predicted: i64[N]; a truth of -1, a label that training never saw, counts as wrong.

    0/0 is 0, as the field has it; without any row every mean is NaN.
    """
    known = truth >= 0
    cells = truth[known] * classes + predicted[known]
    confusion = np.bincount(cells, minlength=classes * classes).reshape(classes, classes)
    right = np.diagonal(confusion).astype(np.float64)
    called = np.bincount(predicted, minlength=classes).astype(np.float64)
    there = confusion.sum(axis=1).astype(np.float64)
    precision = _ratio(right, called)
    recall = _ratio(right, there)
    f1 = _ratio(2 * right, called + there)
    occurs = (called + there) > 0
    labels = tuple(
        LabelScores(float(p), float(r), float(f), int(n))
        for p, r, f, n in zip(precision, recall, f1, there, strict=True)
    )
    return ClassScores(
        accuracy=float(right.sum() / len(truth)) if len(truth) else float("nan"),
        macro_f1=_mean(f1[occurs]),
        precision=_mean(precision[occurs]),
        recall=_mean(recall[occurs]),
        labels=labels,
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
    )


def mean_iou(truth: Array, predicted: Array, classes: int) -> float:
    """Of each label, what is so and called so over what is so or called so; the mean over the labels that occur.

    truth, predicted: i64[N]; a truth of -1 is a label that training never saw. NaN without any row.
    """
    there = np.bincount(truth[truth >= 0], minlength=classes).astype(np.float64)
    called = np.bincount(predicted, minlength=classes).astype(np.float64)
    both = np.bincount(truth[truth == predicted], minlength=classes).astype(np.float64)
    either = there + called - both
    return _mean(_ratio(both, either)[either > 0])


def auc(truth: Array, probability: Array) -> float:
    """The area under the ROC curve: how often a positive example (truth 1) is above a negative one (0); ties are half.

    Examples of unknown truth (-1) take no part. NaN where one of the two kinds is missing.
    """
    known = truth >= 0
    truth, probability = truth[known], probability[known]
    positives = int((truth == 1).sum())
    negatives = len(truth) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    _, group, sizes = np.unique(probability, return_inverse=True, return_counts=True)
    last_rank = np.cumsum(sizes)
    mean_rank = last_rank - (sizes - 1) / 2
    rank_sum = float(mean_rank[group][truth == 1].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


@dataclass(frozen=True)
class NumberScores:
    """rmse: root of the mean squared error, of all columns together; mae: mean absolute error; r2: the part of the
    variance explained."""

    rmse: float
    mae: float
    r2: float


def number_scores(truth: Array, predicted: Array) -> NumberScores:
    """truth, predicted: f[N, n]. r2 is the mean over the columns whose truth varies, NaN where none does."""
    if truth.size == 0:
        return NumberScores(float("nan"), float("nan"), float("nan"))
    truth = truth.astype(np.float64)
    error = predicted.astype(np.float64) - truth
    unexplained = (error**2).sum(axis=0)
    total = ((truth - truth.mean(axis=0)) ** 2).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = np.where(total > 0, 1 - unexplained / total, np.nan)
    return NumberScores(
        rmse=float(np.sqrt((error**2).mean())),
        mae=float(np.abs(error).mean()),
        r2=_mean(r2[~np.isnan(r2)]),
    )


def better(metric: str, a: float, b: float) -> bool:
    """Whether a is better than b; a number that is none is never better."""
    if np.isnan(a):
        return False
    if np.isnan(b):
        return True
    return a < b if metric in LOWER_IS_BETTER else a > b


def _ratio(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else float("nan")
