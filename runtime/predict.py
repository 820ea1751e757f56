"""From scores to answers: labels with their probabilities, numbers in the data's own units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compiler.experiment import Head
from compiler.sorts import Class, Segments, Tokens
from runtime.backend import Array
from runtime.data import Rows, Tables
from runtime.data.schemes import words_of
from runtime.data.tokens import BEGIN, END, PADDING, Sequences, Tokenised
from runtime.evaluate import chosen, in_own_units


@dataclass(frozen=True)
class Answer:
    """value: a label, a number or several; a label for each token; the words of a text

    probabilities: each label's, the likeliest first; None where there are none
    """

    value: str | float | tuple[float, ...] | tuple[str, ...]
    probabilities: tuple[tuple[str, float], ...] | None = None


def answers(results: Mapping[str, Array], heads: Sequence[Head], tables: Tables, rows: Rows) -> list[dict[str, Answer]]:
    """results: a prediction graph's outputs for these rows."""
    columns: dict[str, list[Answer]] = {}
    for head in heads if rows.count else ():
        name = head.port.name
        if head.port.per is not None:
            columns[name] = _labels(results[f"{name}.labels"], tables.labels[name], rows, head.port.per)
            if isinstance(head.port.sort, Segments):
                columns[name] = _segments(columns[name], rows.written[head.port.per])
        else:
            columns[name] = _column(head, results[f"{name}.scores"], tables)
    return [{name: column[row] for name, column in columns.items()} for row in range(rows.count)]


def _labels(winners: Array, known: Sequence[str], rows: Rows, text: str) -> list[Answer]:
    """winners: i64[positions], of all rows end to end. Each token of a text gets its label, in the text's order; marks
    and the padding of an empty text get none."""
    column, sort = rows.columns[text], next(p.sort for p in rows.ports if p.name == text)
    assert isinstance(column, Sequences)
    assert isinstance(sort, Tokens)
    is_token = ~np.isin(column.ids, (PADDING, BEGIN, END))
    found: list[Answer] = []
    for begin, end in zip(column.offsets[:-1].tolist(), column.offsets[1:].tolist(), strict=True):
        row = [known[i] for i in winners[begin:end][is_token[begin:end]].tolist()]
        found.append(Answer(tuple(row[::-1] if sort.reverse else row)))
    return found


def _segments(tags: Sequence[Answer], text: Tokenised) -> list[Answer]:
    """The words that the tags make of each text's characters."""
    found: list[Answer] = []
    for answer, begin, end in zip(tags, text.offsets[:-1].tolist(), text.offsets[1:].tolist(), strict=True):
        characters = [text.names[i] for i in text.types[begin:end].tolist()]
        assert isinstance(answer.value, tuple)
        found.append(Answer(tuple(words_of(characters, [str(tag) for tag in answer.value]))))
    return found


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
