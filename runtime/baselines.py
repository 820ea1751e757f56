"""What a forecast has to be better than: that all stays as it is, and a linear model of the network's own inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from compiler.sorts import Ahead, Category, Port, Real, Series, owner
from runtime.backend import Array
from runtime.data import Rows, Tables
from runtime.data.tokens import Sequences
from runtime.evaluate import Evaluation, OutputScores, in_own_units
from runtime.memory import available_bytes
from runtime.metrics import number_scores

MOST_WORK = 1e11
"""Rows times the square of the inputs: above, least squares would take a minute and more."""
COPIES = 8
"""Times that the inputs of the training rows may lie in memory while least squares is solved."""


@dataclass(frozen=True)
class Baselines:
    """inputs, outputs: of the model; weights: of each output's linear model [inputs, numbers]; none where it has an
    input that is no number and no category, and where there are too many."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    weights: Mapping[str, Array]

    def beside(self, evaluation: Evaluation, rows: Rows, tables: Tables) -> Evaluation:
        """The scores of these rows with the baselines' RMSE, in the same units."""
        given = features(self.inputs, rows, tables) if self.weights else None
        outputs = {port.name: port.sort for port in self.outputs}
        found: list[OutputScores] = []
        for scores in evaluation.outputs:
            sort, more = outputs.get(scores.name), dict[str, float]()
            if isinstance(sort, Ahead):
                truth = in_own_units(scores.name, _array(rows, scores.name), tables)
                again = in_own_units(scores.name, persistence(rows, sort), tables)
                more["persistence_rmse"] = number_scores(truth, again).rmse
                if given is not None and scores.name in self.weights:
                    linear = in_own_units(scores.name, given @ self.weights[scores.name], tables)
                    more["least_squares_rmse"] = number_scores(truth, linear).rmse
            found.append(replace(scores, metrics={**scores.metrics, **more}))
        return replace(evaluation, outputs=tuple(found))


def baselines(inputs: Sequence[Port], outputs: Sequence[Port], train: Rows | None, tables: Tables) -> Baselines | None:
    """None for a model that forecasts nothing. train: the rows that least squares learns from; None for persistence
    alone."""
    told = tuple(port for port in outputs if isinstance(port.sort, Ahead))
    if not told:
        return None
    weights: dict[str, Array] = {}
    if train is not None and _is_feasible(inputs, train, tables):
        targets = [_array(train, port.name).astype(np.float64) for port in told]
        solved = least_squares(features(inputs, train, tables), np.concatenate(targets, axis=1))
        cuts = np.cumsum([target.shape[1] for target in targets])[:-1]
        weights = {port.name: part for port, part in zip(told, np.split(solved, cuts, axis=1), strict=True)}
    return Baselines(tuple(inputs), told, weights)


def persistence(rows: Rows, sort: Ahead) -> Array:
    """The last row of the window, for each row that is told: f[N, steps columns]"""
    window = _array(rows, sort.of)
    return np.tile(window[:, -1].reshape(len(window), sort.columns), (1, sort.steps))


def least_squares(given: Array, targets: Array) -> Array:
    """The weights that make |given @ weights - targets| smallest: f[inputs, numbers]; of several the smallest ones."""
    return np.linalg.lstsq(given, targets, rcond=None)[0]


def features(inputs: Sequence[Port], rows: Rows, tables: Tables) -> Array:
    """All inputs side by side, a column for each value of a category, and a column of ones: f64[N, inputs]."""
    columns = [np.ones((rows.count, 1))]
    for port in inputs:
        values = _array(rows, port.name)
        if isinstance(port.sort, Category):
            columns.append((values[:, None] == np.arange(len(tables.vocabularies[owner(port)]))).astype(np.float64))
        else:
            columns.append(values.reshape(rows.count, -1).astype(np.float64))
    return np.concatenate(columns, axis=1)


def _width(port: Port, tables: Tables) -> int | None:
    """How many columns of `features` it has; None for what is no number."""
    match port.sort:
        case Series(steps=steps):
            return steps * port.sort.width
        case Real(width=width):
            return width
        case Category() if port.per is None:
            return len(tables.vocabularies[owner(port)])
        case _:
            return None


def _is_feasible(inputs: Sequence[Port], train: Rows, tables: Tables) -> bool:
    widths = [_width(port, tables) for port in inputs]
    known = [width for width in widths if width is not None]
    count, width = train.count, 1 + sum(known)
    fits = COPIES * count * width * np.dtype(np.float64).itemsize <= available_bytes()
    return len(known) == len(widths) and fits and count * width**2 <= MOST_WORK


def _array(rows: Rows, name: str) -> Array:
    column = rows.columns[name]
    assert not isinstance(column, Sequences)
    return column
