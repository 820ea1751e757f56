"""From scores to answers: labels with their probabilities, numbers in the data's own units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from compiler.experiment import Head
from compiler.sorts import (
    Class,
    Following,
    Follows,
    Masked,
    Penalty,
    Pixels,
    Segments,
    Tokens,
    Word,
    owner,
    word_of,
)
from dsl.errors import Diagnostic, RunError
from runtime.backend import Array
from runtime.data import Rows, Tables
from runtime.data.huffman import huffman
from runtime.data.schemes import words_of
from runtime.data.tokens import BEGIN, END, MASK_ID, OWN_IDS, PADDING, Sequences, Tokenised
from runtime.evaluate import chosen, in_own_units, scaled_as

LIKELIEST = 10
"""Words whose probability is told, where a word is predicted: there are too many to tell all."""


@dataclass(frozen=True, eq=False)
class Shares:
    """How likely each label is for each token: values f[tokens, labels]."""

    labels: Sequence[str]
    values: Array

    def by_token(self) -> list[dict[str, float]]:
        """Of each token every label's, the likeliest first."""
        order = (-self.values).argsort(axis=1, kind="stable").tolist()
        rows = zip(order, self.values.tolist(), strict=True)
        return [{self.labels[i]: row[i] for i in places} for places, row in rows]


@dataclass(frozen=True)
class Answer:
    """value: a label, a number or several; a label for each token, or pixel; the words of a text

    probabilities: each label's, the likeliest first; shares: those of tokens; None where there are none
    """

    value: str | float | tuple[float, ...] | tuple[str, ...] | tuple[tuple[str, ...], ...]
    probabilities: tuple[tuple[str, float], ...] | None = None
    shares: Shares | None = None

    @property
    def each(self) -> dict[str, float] | list[dict[str, float]]:
        """The probabilities by label, of tokens for each; empty where there are none."""
        return self.shares.by_token() if self.shares is not None else dict(self.probabilities or ())


def answers(
    results: Mapping[str, Array],
    heads: Sequence[Head],
    tables: Tables,
    rows: Rows,
    texts: Mapping[str, Sequence[str]] | None = None,
) -> list[dict[str, Answer]]:
    """results: a prediction graph's outputs for these rows; texts: of outputs that were written.

    `next(text)` has no answer beside those of other outputs;
    RunError NN877 where there are no others."""
    columns: dict[str, list[Answer]] = {}
    answering = [head for head in heads if not isinstance(head.port.sort, Following | Penalty)]
    if not answering:
        raise RunError(_no_answer(heads[0]))
    for head in answering if rows.count else ():
        name = head.port.name
        if isinstance(head.port.sort, Pixels):
            columns[name] = _maps(results[f"{name}.labels"], tables.labels[name])
        elif isinstance(head.port.sort, Masked):
            columns[name] = _behind_masks(head, results, tables, rows)
        elif texts is not None and name in texts:
            columns[name] = [Answer(text) for text in texts[name]]
        elif head.port.per is not None:
            of_crf = head.kind == "crf"
            scores = results[f"{name}.{'probabilities' if of_crf else 'scores'}"]
            shares = scores if of_crf else probabilities(head, scores)
            columns[name] = _labels(results[f"{name}.labels"], shares, tables.labels[name], rows, head.port.per)
            if isinstance(head.port.sort, Segments):
                columns[name] = _segments(columns[name], rows.written[head.port.per])
        else:
            columns[name] = _column(head, results[f"{name}.scores"], tables)
    return [{name: column[row] for name, column in columns.items()} for row in range(rows.count)]


def _no_answer(head: Head) -> Diagnostic:
    if isinstance(head.port.sort, Penalty):
        message = f"{head.port.name} is a penalty, which trains a network and answers nothing"
        return Diagnostic("NN877", message, help="give the model an output beside it, such as copy(x) or class")
    name, written = head.port.name, f"{word_of(head.port.sort)}({head.port.per})"
    message = f"{name} is {written}: it tells tokens of a text, and gives no label and no number for it"
    return Diagnostic("NN877", message, help="nnc eval scores it, nnc generate lets a model of next(text) write")


def _maps(winners: Array, known: Sequence[str]) -> list[Answer]:
    """winners: i64[rows, h, w]. The label of each pixel, row by row."""
    names = np.array(known, dtype=object)
    return [Answer(tuple(map(tuple, names[each].tolist()))) for each in winners]


def _labels(winners: Array, shares: Array | None, known: Sequence[str], rows: Rows, text: str) -> list[Answer]:
    """winners: i64[positions], of all rows end to end; shares: f[positions, labels]. Each token of a text gets its
    label, in the text's order; marks and the padding of an empty text get none."""
    column, sort = rows.columns[text], next(p.sort for p in rows.ports if p.name == text)
    assert isinstance(column, Sequences)
    assert isinstance(sort, Tokens)
    is_token = ~np.isin(column.ids, (PADDING, BEGIN, END))
    found: list[Answer] = []
    for begin, end in zip(column.offsets[:-1].tolist(), column.offsets[1:].tolist(), strict=True):
        places = np.flatnonzero(is_token[begin:end]) + begin
        places = places[::-1] if sort.reverse else places
        each = None if shares is None else Shares(known, shares[places].astype(np.float64))
        found.append(Answer(tuple(known[i] for i in winners[places].tolist()), shares=each))
    return found


def _behind_masks(head: Head, results: Mapping[str, Array], tables: Tables, rows: Rows) -> list[Answer]:
    """The likeliest word for each mask of a text, of those that have an id."""
    text = next(p for p in rows.ports if p.name == head.port.per)
    column, known = rows.columns[text.name], tables.vocabularies[owner(text)]
    assert isinstance(column, Sequences)
    scores = results[f"{head.port.name}.scores"][:, MASK_ID + 1 :]
    words = [known.tokens[i + MASK_ID + 1 - OWN_IDS] for i in scores.argmax(axis=1).tolist()] if len(scores) else []
    upto = np.concatenate([[0], np.cumsum(column.ids == MASK_ID)])[column.offsets].tolist()
    return [Answer(tuple(words[a:b])) for a, b in pairwise(upto)]


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
    if isinstance(head.port.sort, Word):
        return _words(head, scores, tables)
    if not isinstance(head.port.sort, Class | Follows):
        numbers = in_own_units(scaled_as(head.port), scores, tables).tolist()
        return [Answer(row[0] if scores.shape[1] == 1 else tuple(row)) for row in numbers]
    labels = tables.labels[name]
    table = probabilities(head, scores)
    winners = chosen(head, scores).tolist()
    if table is None:
        return [Answer(labels[i]) for i in winners]
    return [Answer(labels[i], _sorted(labels, row, i)) for i, row in zip(winners, table.tolist(), strict=True)]


def _words(head: Head, scores: Array, tables: Tables) -> list[Answer]:
    """The likeliest word for each row, and how likely the first few are."""
    name = owner(head.port)
    known = tables.vocabularies[name]
    wide = scores.astype(np.float64)
    if head.kind == "hierarchical":
        shares = np.exp(huffman(tables.counts[name]).log_probabilities(wide))
    elif head.kind == "negatives":
        wide[:, :OWN_IDS] = -np.inf
        shares = np.exp(wide - wide.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
    else:
        shares = wide
        shares[:, :OWN_IDS] = 0
    best = (-shares[:, OWN_IDS:]).argsort(axis=1, kind="stable")[:, :LIKELIEST]
    found: list[Answer] = []
    for row, places in zip(shares, best, strict=True):
        each = tuple((known.tokens[i], float(row[i + OWN_IDS])) for i in places.tolist())
        found.append(Answer(each[0][0], each))
    return found


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
