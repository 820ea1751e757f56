"""TSV: fields between TABs, a row a line, and no quoting: a quote is a character like any other."""

from __future__ import annotations

from itertools import repeat


def lines(text: str) -> list[str]:
    """A line ends at a newline and nowhere else; after the last newline there is none."""
    parts = text.split("\n")
    if parts[-1] == "":
        parts.pop()
    return parts


def columns(whole: list[str], separator: str) -> list[list[str]] | None:
    """The lines' fields, column by column; None unless all lines have as many, and none is blank.

    The list is emptied where the fields take its place: memory never holds both. No Python runs for a line: this is
    the way of nearly all files.
    """
    counts = set(map(str.count, whole, repeat(separator)))
    if len(counts) != 1 or any(map(str.isspace, whole)):
        return None
    width = counts.pop() + 1
    if width == 1:
        return [whole]
    joined = separator.join(whole)
    whole.clear()
    fields = joined.split(separator)
    return [fields[i::width] for i in range(width)]


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
