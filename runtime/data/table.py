"""Rows of text fields, as a reader hands them on, and where each stands in its file."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from dsl.errors import Diagnostic
from dsl.source import Span
from runtime.data import rfc4180, tsv
from runtime.data.files import TextFile, span_at
from runtime.data.problems import Problems

Separated = Literal["tsv", "csv", "text"]
"""Formats of rows of fields; a line of plain text is a row of one field."""


@dataclass(frozen=True)
class Other:
    """A row that has another number of fields than the first one, or white space only. line: its first, from 0."""

    line: int
    fields: list[str]


@dataclass(frozen=True)
class Table:
    """The rows of one file, column by column; there are as many columns as the first row has fields.

    lines: for each row the number of its first line, from 0
    others: the rows that do not fit
    """

    file: TextFile
    format: Separated
    columns: list[list[str]]
    lines: Sequence[int]
    others: tuple[Other, ...] = ()

    @property
    def count(self) -> int:
        return len(self.lines)

    @property
    def width(self) -> int:
        return len(self.columns)

    def row(self, i: int) -> list[str]:
        return [column[i] for column in self.columns]

    def span(self, row: int, field: int | None = None) -> Span:
        """Where a field stands; without one, the row's first line. A field past the last one is the row's end."""
        return self.span_of_line(self.lines[row], field)

    def span_of_line(self, line: int, field: int | None = None) -> Span:
        """The same for the row that starts on this line."""
        text = self.file.text
        start = int(self.file.line_starts[line])
        stop = text.find("\n", start)
        begin, end = start, len(text) if stop < 0 else stop
        if field is not None and self.format != "text":
            begin, end = (rfc4180 if self.format == "csv" else tsv).bounds(text, start, field)
        return span_at(self.file.name, text, begin, end)

    def without_first(self) -> Table:
        """The rows below the headings."""
        return Table(self.file, self.format, [c[1:] for c in self.columns], self.lines[1:], self.others)


def parse(file: TextFile, format: Separated, problems: Problems) -> Table:
    """The file's rows. Those that cannot be read are left out, each with an error."""
    if format == "csv" and '"' in file.text:
        return of_rows(file, format, rfc4180.parse(file, problems))
    whole = tsv.lines(file.text)
    if not whole:
        return Table(file, format, [], [])
    if format == "text":
        return Table(file, format, [whole], range(len(whole)))
    return of_lines(file, format, whole, range(len(whole)))


def of_lines(file: TextFile, format: Separated, whole: list[str], numbers: Sequence[int]) -> Table:
    """The table of lines without quoting. whole: taken over; numbers: of the lines, from 0."""
    separator = "," if format == "csv" else "\t"
    columns = tsv.columns(whole, separator)
    if columns is not None:
        return Table(file, format, columns, numbers)
    return of_rows(file, format, ((line.split(separator), n) for line, n in zip(whole, numbers, strict=True)))


def of_rows(file: TextFile, format: Separated, rows: Iterable[tuple[list[str], int]]) -> Table:
    """The table of rows that need not have as many fields, each with the number of its line."""
    columns: list[list[str]] = []
    lines = array("q")
    others: list[Other] = []
    for row, line in rows:
        blank = format == "tsv" and "\t".join(row).isspace()
        if not columns and not blank:
            columns = [[] for _ in row]
        if blank or len(row) != len(columns):
            others.append(Other(line, row))
            continue
        lines.append(line)
        for column, field in zip(columns, row, strict=True):
            column.append(field)
    return Table(file, format, columns, lines, tuple(others))


def check_others(table: Table, problems: Problems) -> None:
    """An error for each row that does not fit."""
    for other in table.others:
        problems.add(_misfit(table, other))


def _misfit(table: Table, other: Other) -> Diagnostic:
    fields, width = other.fields, table.width
    if fields == [""]:
        help = "delete the line; between sequences of a token a line it stands where an output is `per` a text"
        return Diagnostic("NN711", "the line is empty", table.span_of_line(other.line), help=help)
    if table.format == "tsv" and "\t".join(fields).isspace():
        span = table.span_of_line(other.line)
        return Diagnostic("NN711", "the line holds white space only", span, help="delete the line")
    few = len(fields) < width
    span = table.span_of_line(other.line, len(fields) - 1 if few else width)
    separator = "a TAB" if table.format == "tsv" else "a comma"
    helps = [f"fields are separated by {separator}"]
    if not few and table.format == "csv":
        helps.append('a field that holds a comma stands in double quotes: "so, like this"')
    if few and table.format == "csv" and ";" in "".join(fields):
        helps.append("this line seems to use `;`: only commas separate")
    elif few and table.format == "tsv" and "," in "".join(fields):
        helps.append("is it CSV? then say `format csv`")
    label = "a field is missing here" if few else "from here on there is more"
    message = f"the row has {plural(len(fields), 'field')}, but should have {width}"
    return Diagnostic("NN710", message, span, label, help="; ".join(helps))


def plural(count: int, noun: str) -> str:
    """`1 field`, `2 fields`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
