"""Tables of numbers: nnc's logistic regression and multi-layer perceptrons against scikit-learn's on the same rows.

`python -m benchmarks.tables DATA` prints a Markdown table; DATA is the folder that holds `tabular/` and `timeseries/`.
Needs scikit-learn (`pip install -e ".[bench]"`).

Classification (banknote, iris, wine): accuracy over all rows by 10-fold cross-validation, folds drawn anew for each
seed and the same for both. Regression (bicycles lent a day, without casual and registered, which add up to the target):
R2 of the last fifth of the days; specs/bike.nn draws its validation rows from the days before, scikit-learn trains on
them all. Inputs and the regression's target are scaled by the training rows for both: scikit-learn's perceptron fails
on a target of thousands.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import nnc

SEEDS = (1, 2, 3)
SPECS = Path(__file__).parents[1] / "specs"
TABLES = {"banknote": "banknote_authentication.csv", "iris": "iris.csv", "wine": "wine.csv"}
LOGISTIC = """
model m(x: real[{width}](standard)) -> y: class {{ dense softmax }}
train {{ adam lr=0.02 ; decay 1e-3 ; batch 32 ; epochs 100 }}
"""
PERCEPTRON = """
model m(x: real[{width}](standard)) -> y: class {{ dense 100 relu ; dense softmax }}
train {{ adam lr=1e-3 ; decay 1e-4 ; batch 32 ; epochs 100 }}
"""
Peer = Callable[[int], Any]
PAIRS: tuple[tuple[str, str, Peer], ...] = (
    ("logistic regression", LOGISTIC, lambda seed: LogisticRegression(max_iter=1000)),
    (
        "perceptron of 100",
        PERCEPTRON,
        lambda seed: MLPClassifier(hidden_layer_sizes=(100,), max_iter=1000, random_state=seed),
    ),
)
NUMBERS = ("temp", "atemp", "hum", "windspeed", "yr", "holiday", "workingday")
CATEGORIES = ("season", "mnth", "weekday", "weathersit")


def table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Numbers [rows, columns] and labels; the last column is the label."""
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").split()]
    return np.array([[float(x) for x in row[:-1]] for row in rows]), np.array([row[-1] for row in rows])


def accuracies(x: np.ndarray, y: np.ndarray, spec: str, peer: Peer, seed: int) -> tuple[float, float]:
    """nnc's and scikit-learn's: the share of right answers over all rows."""
    ours = theirs = 0
    for train, test in StratifiedKFold(10, shuffle=True, random_state=seed).split(x, y):
        rows = [(label, *numbers) for label, numbers in zip(y[train].tolist(), x[train].tolist(), strict=True)]
        model = nnc.train(spec.format(width=x.shape[1]), rows, seed=seed).model
        ours += int(sum(a == b for a, b in zip(model.predict(x[test].tolist()), y[test].tolist(), strict=True)))
        fitted = make_pipeline(StandardScaler(), peer(seed)).fit(x[train], y[train])
        theirs += int((fitted.predict(x[test]) == y[test]).sum())
    return ours / len(y), theirs / len(y)


def bicycles(data: Path, seed: int) -> tuple[float, float]:
    """nnc's and scikit-learn's R2 of the last fifth of the days."""
    with (data / "timeseries" / "bike_sharing_day.csv").open(encoding="utf-8", newline="") as file:
        days = list(csv.DictReader(file))
    numbers = np.array([[float(day[c]) for c in NUMBERS] for day in days])
    onehot = [[day[c] == value for day in days] for c in CATEGORIES for value in sorted({d[c] for d in days})]
    x, y = np.hstack([numbers, np.array(onehot, float).T]), np.array([float(day["cnt"]) for day in days])
    history = nnc.train(SPECS / "bike.nn", seed=seed, data_root=data)
    tested = history.test["rows"]
    perceptron = make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(100,), max_iter=1000, random_state=seed)
    )
    peer = TransformedTargetRegressor(perceptron, transformer=StandardScaler())
    peer.fit(x[:-tested], y[:-tested])
    return history.test["r2"], float(r2_score(y[-tested:], peer.predict(x[-tested:])))


def lines(data: Path) -> Iterator[str]:
    yield "| table | model | nnc, seeds 1 to 3 | mean | scikit-learn, the same | mean |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, file in TABLES.items():
        x, y = table(data / "tabular" / file)
        for model, spec, peer in PAIRS:
            yield _line(name, model, [accuracies(x, y, spec, peer, seed) for seed in SEEDS], 100, 1)
    yield _line("bicycles", "R2, perceptron of 100", [bicycles(data, seed) for seed in SEEDS], 1, 3)


def _line(name: str, model: str, scores: list[tuple[float, float]], scale: float, digits: int) -> str:
    cells = [name, model]
    for side in zip(*scores, strict=True):
        cells += [" ".join(f"{scale * s:.{digits}f}" for s in side), f"{scale * mean(side):.{digits}f}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.tables DATA")
    for line in lines(Path(sys.argv[1])):
        print(line, flush=True)


if __name__ == "__main__":
    main()
