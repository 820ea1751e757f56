"""Rows of text fields, as a reader hands them on, and where each stands in its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dsl.errors import Diagnostic
from dsl.source import Span
from runtime.data import rfc4180, tsv
from runtime.data.files import TextFile, span_at
from runtime.data.problems import Problems

Format = Literal["tsv", "csv", "lines"]


@dataclass(frozen=True)
class Table:
    """The rows of one file. starts: for each row where it starts in the text."""

    file: TextFile
    format: Format
    rows: list[list[str]]
    starts: list[int]

    def span(self, row: int, field: int | None = None) -> Span:
        """Where a field stands; without one, the row's first line. A field too many or too few is the row's end."""
        text, start = self.file.text, self.starts[row]
        stop = text.find("\n", start)
        begin, end = start, len(text) if stop < 0 else stop
        if field is not None and self.format != "lines":
            begin, end = (rfc4180 if self.format == "csv" else tsv).bounds(text, start, field)
        return span_at(self.file.name, text, begin, end)


def parse(file: TextFile, format: Format, problems: Problems) -> Table:
    """The file's rows. Those that cannot be read are left out, each with an error."""
    if format == "csv":
        rows, starts = rfc4180.parse(file, problems)
    elif format == "tsv":
        rows, starts = tsv.parse(file, problems)
    else:
        rows, starts = tsv.lines(file.text)
    return Table(file, format, rows, starts)


def checked(table: Table, width: int, problems: Problems) -> Table:
    """The table without the rows that have not `width` fields; each of them is an error."""
    wrong = [i for i, row in enumerate(table.rows) if len(row) != width]
    if not wrong:
        return table
    for i in wrong:
        problems.add(_wrong_count(table, i, width))
    left_out = set(wrong)
    keep = [i for i in range(len(table.rows)) if i not in left_out]
    return Table(table.file, table.format, [table.rows[i] for i in keep], [table.starts[i] for i in keep])


def _wrong_count(table: Table, row: int, width: int) -> Diagnostic:
    fields = table.rows[row]
    if fields == [""]:
        return Diagnostic("NN711", "the line is empty", table.span(row), help="delete the line")
    few = len(fields) < width
    span = table.span(row, len(fields) - 1 if few else width)
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
