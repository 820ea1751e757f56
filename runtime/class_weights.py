"""`classes balanced`: what each label weighs in the training loss."""

from __future__ import annotations

import numpy as np

from compiler.settings.train import TrainSettings
from runtime.backend import Array
from runtime.data import Rows, Tables
from runtime.data.tokens import Sequences


def class_weights(settings: TrainSettings, rows: Rows, tables: Tables) -> dict[str, Array]:
    """`class_weights.OUTPUT`, f64[classes], of each class output: N / (classes count) by the training rows.

    Their mean over the rows is 1. A label that no row has weighs 0. Empty unless the settings ask for it. As
    scikit-learn's "balanced".
    """
    if not settings.balanced:
        return {}
    return {
        f"class_weights.{name}": _balanced(_labels(rows.columns[name]), len(labels))
        for name, labels in tables.labels.items()
    }


def _labels(column: Sequences | Array) -> Array:
    return column.ids if isinstance(column, Sequences) else column


def _balanced(labels: Array, classes: int) -> Array:
    count = np.bincount(labels[labels >= 0], minlength=classes).astype(np.float64)
    there = count > 0
    return np.divide(count.sum(), classes * count, out=np.zeros(classes), where=there)
