"""Texts that are written with words of an input alone: each of their words has to stand there."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from compiler.sorts import Port, owner
from dsl.errors import Diagnostic, Note
from dsl.render import show
from dsl.source import Span
from runtime.data.problems import Problems
from runtime.data.rows import Rows
from runtime.data.tables import Tables
from runtime.data.tokens import END, Sequences


def check(ports: tuple[Port, ...], rows: Rows, tables: Tables, span: Callable[..., Span], problems: Problems) -> None:
    """An error NN753 for each row whose text has no probability, whatever is learnt. span: of a port's row"""
    for port in ports:
        text, source = rows.columns.get(port.name), rows.columns.get(port.copies or "")
        if not isinstance(text, Sequences) or not isinstance(source, Sequences) or port.copies is None:
            continue
        vocabulary = tables.vocabularies[owner(port)]
        size = max(int(each.ids.max(initial=0)) for each in (text, source)) + 1
        places = np.repeat(np.arange(rows.count), text.lengths)
        there = np.repeat(np.arange(rows.count), source.lengths) * size + source.ids
        lacking = np.flatnonzero(~np.isin(places * size + text.ids, there))
        for first in lacking[np.unique(places[lacking], return_index=True)[1]].tolist():
            row, id = int(places[first]), int(text.ids[first])
            token = "an end" if id == END else f'"{show(vocabulary.token(id) or "a word that training lacks")}"'
            problems.add(
                Diagnostic(
                    "NN753",
                    f"{port.name} is written with words of {port.copies} alone, where {token} does not stand",
                    span(port.name, row),
                    notes=(Note(span(port.copies, row), f"`{port.copies}` of the same row"),),
                    help="take the row out, or mix the pointer with a softmax, which has every word",
                )
            )
    problems.check()
