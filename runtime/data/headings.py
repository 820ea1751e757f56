"""A first row that holds headings although nobody said so."""

from __future__ import annotations

from collections.abc import Mapping

from compiler.settings.data import Files
from compiler.sorts import Port, Real
from dsl.errors import Diagnostic, Note
from dsl.render import show
from runtime.data.problems import Problems
from runtime.data.real import MISSING, number
from runtime.data.table import Table

HELP = "add `header` to the entry, and the columns are found by their headings"


def look_for_unsaid(
    ports: tuple[Port, ...], files: Files, table: Table, fields: Mapping[str, tuple[int, ...]], problems: Problems
) -> bool:
    """Whether it is an error that the first row is read as an example. A row that may be one gets a warning."""
    here = [p for p in ports if p.name in fields]
    title = f"the first row of {show(table.file.name)} looks like headings, but is read as an example"
    notes = (Note(files.span, "read as this says"),)
    numbers = [i for p in here if isinstance(p.sort, Real) for i in fields[p.name]]
    if numbers and _only_the_first_is_words(table, numbers):
        problems.add(Diagnostic("NN725", title, table.span(0), "words where numbers are due", notes, HELP))
        return True
    if here and all(_names(table.row(0), fields[p.name], p.name) for p in here):
        problems.warn(Diagnostic("NN725", title, table.span(0), "", notes, HELP, severity="warning"))
    return False


def _only_the_first_is_words(table: Table, numbers: list[int]) -> bool:
    if table.count < 2:
        return False
    first, second = ([table.columns[i][row].strip() for i in numbers] for row in (0, 1))
    words = all(number(text) is None and text.lower() not in MISSING and text[0].isalpha() for text in first)
    return words and all(number(text) is not None for text in second)


def _names(row: list[str], fields: tuple[int, ...], name: str) -> bool:
    return len(fields) == 1 and row[fields[0]].strip().casefold() == name.casefold()
