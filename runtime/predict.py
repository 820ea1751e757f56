"""From scores to answers: labels with their probabilities, numbers in the data's own units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compiler.experiment import Head
from compiler.sorts import Class
from runtime.backend import Array
from runtime.data import Tables
from runtime.evaluate import chosen, in_own_units


@dataclass(frozen=True)
class Answer:
    """value: a label, a number or several

    probabilities: each label's, the likeliest first; None where there are none
    """

    value: str | float | tuple[float, ...]
    probabilities: tuple[tuple[str, float], ...] | None = None


def answers(results: Mapping[str, Array], heads: Sequence[Head], tables: Tables, count: int) -> list[dict[str, Answer]]:
    """results: a prediction graph's outputs, `NAME.scores`, for so many rows."""
    columns = (
        {head.port.name: _column(head, results[f"{head.port.name}.scores"], tables) for head in heads} if count else {}
    )
    return [{name: column[row] for name, column in columns.items()} for row in range(count)]


def _column(head: Head, scores: Array, tables: Tables) -> list[Answer]:
    name = head.port.name
    if not isinstance(head.port.sort, Class):
        numbers = in_own_units(name, scores, tables).tolist()
        return [Answer(row[0] if head.port.sort.width == 1 else tuple(row)) for row in numbers]
    labels = tables.labels[name]
    table = probabilities(head, scores)
    winners = chosen(head, scores).tolist()
    if table is None:
        return [Answer(labels[i]) for i in winners]
    return [Answer(labels[i], _sorted(labels, row, i)) for i, row in zip(winners, table.tolist(), strict=True)]


def probabilities(head: Head, scores: Array) -> Array | None:
    """f64[N, classes]; None for a perceptron's sign and for a score, which are none."""
    match head.kind:
        case "softmax" | "probabilities":
            return scores.astype(np.float64)
        case "sigmoid":
            second = scores[:, :1].astype(np.float64)
            return np.concatenate([1 - second, second], axis=1)
        case _:
            return None


def _sorted(labels: Sequence[str], row: Sequence[float], winner: int) -> tuple[tuple[str, float], ...]:
    order = sorted(range(len(labels)), key=lambda i: (i != winner, -row[i], i))
    return tuple((labels[i], row[i]) for i in order)
