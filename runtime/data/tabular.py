"""Rows of fields to the columns of each input and output: TSV, CSV and plain text."""

from __future__ import annotations

from compiler.sorts import Category, Class, Image, Pixels, Port, Real
from dsl.errors import Diagnostic
from dsl.source import Span
from runtime.data import labels, pairs, real, table
from runtime.data.columns import Layout, lay_out
from runtime.data.files import TextFile
from runtime.data.part import Columns, Part, Request
from runtime.data.table import Separated, Table


def read(file: TextFile, format: Separated, request: Request) -> Part | None:
    """The rows of a file; None after an error that says nothing of single rows."""
    problems = request.problems
    if refused := [d for p in request.ports if request.reads(p) and (d := _refusal(p, request)) is not None]:
        for diagnostic in refused:
            problems.add(diagnostic)
        return None
    rows = table.parse(file, format, problems)
    if not rows.count:
        table.check_others(rows, problems)
        if problems.errors:
            return None
    laid_out = lay_out(request.ports, request.entry, rows, problems, outputs_optional=request.outputs_optional)
    if laid_out is None:
        return None
    layout, rows = laid_out
    table.check_others(rows, problems)
    columns = Columns()
    missing: dict[int, tuple[str, int]] = {}
    for port in request.ports:
        if port.name in layout.fields and request.reads(port):
            _read(port, rows, layout, columns, request, missing)

    def place(port: str, row: int, position: int | None) -> Span:
        return rows.span(row, layout.fields[port][position or 0])

    return Part(rows.count, columns, place, (file,), missing)


def _read(
    port: Port,
    rows: Table,
    layout: Layout,
    columns: Columns,
    request: Request,
    missing: dict[int, tuple[str, int]],
) -> None:
    fields = layout.fields[port.name]
    here = [rows.columns[i] for i in fields]
    if isinstance(port.sort, Real):
        lacking: dict[int, int] | None = {} if request.skip_missing else None
        columns.numbers[port.name] = real.read(
            here,
            lambda row, k: rows.span(row, fields[k]),
            lambda k: layout.title(port.name, k),
            request.problems,
            lacking,
            request.missing_help,
        )
        missing.update({row: (port.name, k) for row, k in (lacking or {}).items()})
        return
    column = here[0] if len(here) == 1 else pairs.joined(*here)
    if isinstance(port.sort, (Class, Category)):
        labels.check(column, lambda row: rows.span(row, fields[0]), layout.title(port.name), request.problems)
    columns.texts[port.name] = column


def _refusal(port: Port, request: Request) -> Diagnostic | None:
    """Why rows of fields cannot hold this port."""
    if isinstance(port.sort, Image | Pixels):
        what = "a picture" if isinstance(port.sort, Image) else "labels of pixels"
        return Diagnostic(
            "NN743",
            f"`{port.name}` is {what}, but a row of text fields holds none",
            request.entry.place,
            help="these come from folders, idx and npz files: a file whose name ends otherwise needs `format`",
        )
    if port.per is not None:
        return Diagnostic(
            "NN743",
            f"`{port.name}` has a value for each of `{port.per}`, but a field of a row holds one",
            request.entry.place,
            help="write one token a line in TSV, with an empty line between sequences, or lists in JSONL",
        )
    return None
