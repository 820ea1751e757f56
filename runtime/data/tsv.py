"""TSV: fields between TABs, a row a line, and no quoting: a quote is a character like any other."""

from __future__ import annotations

from dsl.errors import Diagnostic
from runtime.data.files import TextFile, span_at
from runtime.data.problems import Problems


def lines(text: str) -> tuple[list[list[str]], list[int]]:
    """Each line as a row of one field, and where it starts. A line ends at a newline and nowhere else."""
    parts = text.split("\n")
    if parts[-1] == "":
        parts.pop()
    starts: list[int] = []
    at = 0
    for part in parts:
        starts.append(at)
        at += len(part) + 1
    return [[part] for part in parts], starts


def parse(file: TextFile, problems: Problems) -> tuple[list[list[str]], list[int]]:
    """The rows and where each starts. A line of white space is an error; an empty one is a row of one empty field."""
    whole, starts = lines(file.text)
    rows: list[list[str]] = []
    kept: list[int] = []
    for (line,), start in zip(whole, starts, strict=True):
        if line.isspace():
            problems.add(
                Diagnostic(
                    "NN711",
                    "the line holds white space only",
                    span_at(file.name, file.text, start, start + len(line)),
                    help="delete the line",
                )
            )
            continue
        rows.append(line.split("\t"))
        kept.append(start)
    return rows, kept


def bounds(text: str, start: int, field: int) -> tuple[int, int]:
    """Where a field of the row at start begins and ends; past the last one, the end of the row."""
    stop = text.find("\n", start)
    stop = len(text) if stop < 0 else stop
    begin = start
    for _ in range(field):
        tab = text.find("\t", begin, stop)
        if tab < 0:
            return stop, stop
        begin = tab + 1
    tab = text.find("\t", begin, stop)
    return begin, stop if tab < 0 else tab
