"""TSV with one token a line: a line holds what belongs to a token, and an empty line ends a sequence."""

from __future__ import annotations

from array import array

import numpy as np

from compiler.sorts import Port
from dsl.errors import Diagnostic
from dsl.source import Span
from runtime.data import table, tsv
from runtime.data.columns import lay_out
from runtime.data.files import TextFile
from runtime.data.part import Columns, Part, Request
from runtime.data.table import Table


def read(file: TextFile, request: Request) -> Part | None:
    """The sequences of a file; None after an error that says nothing of single lines."""
    problems = request.problems
    if (refused := _refusal(request)) is not None:
        problems.add(refused)
        return None
    tokens = table.of_lines(file, "tsv", *_filled(file.text))
    if not tokens.count and tokens.others:
        table.check_others(tokens, problems)
        return None
    laid_out = lay_out(request.ports, request.entry, tokens, problems, outputs_optional=request.outputs_optional)
    if laid_out is None:
        return None
    layout, tokens = laid_out
    table.check_others(tokens, problems)
    if tokens.others:
        return None
    starts = _starts(tokens)
    columns = Columns()
    for port in request.ports:
        if port.name in layout.fields and request.reads(port):
            (field,) = layout.fields[port.name]
            column = tokens.columns[field]
            _check(port, column, tokens, field, layout.title(port.name), request)
            ends = [*starts[1:], len(column)]
            columns.lists[port.name] = [column[a:b] for a, b in zip(starts, ends, strict=True)]

    def place(port: str, row: int, position: int | None) -> Span:
        return tokens.span(starts[row] + (position or 0), layout.fields[port][0])

    return Part(len(starts), columns, place, (file,))


def _filled(text: str) -> tuple[list[str], array[int]]:
    """The lines that hold a token, and their numbers, from 0."""
    whole = tsv.lines(text)
    numbers = array("q", (i for i, line in enumerate(whole) if line))
    return list(filter(None, whole)), numbers


def _starts(tokens: Table) -> list[int]:
    """The first token of each sequence: the one behind a gap in the lines."""
    lines = np.asarray(tokens.lines, np.int64)
    return [0, *(np.flatnonzero(np.diff(lines) > 1) + 1).tolist()]


def _check(port: Port, column: list[str], tokens: Table, field: int, title: str, request: Request) -> None:
    empty = {text for text in set(column) if not text or text.isspace()}
    if not empty:
        return
    what = "token" if port.per is None else "label" if port.output else "value"
    for i, text in enumerate(column):
        if text in empty:
            request.problems.add(
                Diagnostic("NN723", f"{title}: the {what} is missing", tokens.span(i, field), help=f"write the {what}")
            )


def _refusal(request: Request) -> Diagnostic | None:
    """Why one token a line cannot hold these ports."""
    whole = {port.per for port in request.ports if port.per is not None}
    of = min(whole)
    for port in request.ports:
        if port.name != of and port.per != of:
            return Diagnostic(
                "NN737",
                f"`{port.name}` has one value for a whole sequence, which has no place where each line is a token",
                request.entry.place,
                help=f"a line holds `{of}` and what is `per {of}`; for the rest use JSONL, an example a line",
            )
    return None
