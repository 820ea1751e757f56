"""The rows of an entry of the `data` section, read from its files but not yet encoded."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.settings.data import Files
from compiler.sorts import Class, Port, Real, Tokens
from dsl.errors import DataError
from dsl.source import Span
from runtime.data import columns, files, labels, real
from runtime.data.columns import Layout
from runtime.data.files import TextFile
from runtime.data.problems import Problems
from runtime.data.table import Format, Table, checked, parse


@dataclass(frozen=True)
class Source:
    """A file's rows, the first of them being row `first` of the whole."""

    table: Table
    layout: Layout
    first: int


@dataclass(frozen=True)
class Raw:
    """Rows of one or several files, before any table; each port is in one of the dictionaries.

    texts: of words, chars, labels and categories
    numbers: f64[count, width]
    lists: of what has a value for each position, and of texts that come as tokens: they are not split again
    pictures: u8[count, h, w, c], or f32 from 0 to 1
    """

    count: int
    texts: dict[str, list[str]]
    numbers: dict[str, NDArray[np.float64]]
    sources: tuple[Source, ...]
    lists: dict[str, list[list[str]]] = field(default_factory=dict[str, list[list[str]]])
    pictures: dict[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])

    def span(self, port: str, row: int, position: int | None = None) -> Span:
        """Where the row's (first) field of the port stands; with a position, that one of a list."""
        source = self.sources[bisect_right([s.first for s in self.sources], row) - 1]
        return source.table.span(row - source.first, source.layout.fields[port][0])


def read_files(
    ports: tuple[Port, ...],
    entry: Files,
    format: Format | None,
    path_of: Callable[[str], Path],
    problems: Problems,
    *,
    outputs_optional: bool = False,
) -> tuple[Raw, list[TextFile]]:
    """The rows of all files of an entry; what is wrong goes to problems."""
    texts: dict[str, list[str]] = {p.name: [] for p in ports if not isinstance(p.sort, Real)}
    numbers: dict[str, list[NDArray[np.float64]]] = {p.name: [] for p in ports if isinstance(p.sort, Real)}
    sources: list[Source] = []
    read: list[TextFile] = []
    count = 0
    for written in entry.paths:
        try:
            file = files.read_text(path_of(written), entry.span)
        except DataError as error:
            for diagnostic in error.diagnostics:
                problems.add(diagnostic)
            continue
        read.append(file)
        table = parse(file, format or format_of(written), problems)
        if not table.rows and problems.errors:
            continue
        laid_out = columns.lay_out(ports, entry, table, problems, outputs_optional=outputs_optional)
        if laid_out is None:
            continue
        layout, table = laid_out
        table = checked(table, layout.width, problems)
        for port in ports:
            if port.name in layout.fields:
                _read_column(port, table, layout, texts, numbers, problems)
        sources.append(Source(table, layout, count))
        count += len(table.rows)
    # Of files of which only some have the outputs, none has: rows are either all labelled or not.
    present = {p.name for p in ports if sources and all(p.name in s.layout.fields for s in sources)}
    kept_texts = {name: column for name, column in texts.items() if name in present}
    kept_numbers = {name: np.concatenate(parts) for name, parts in numbers.items() if name in present}
    return Raw(count, kept_texts, kept_numbers, tuple(sources)), read


def _read_column(
    port: Port,
    table: Table,
    layout: Layout,
    texts: dict[str, list[str]],
    numbers: dict[str, list[NDArray[np.float64]]],
    problems: Problems,
) -> None:
    fields = layout.fields[port.name]
    match port.sort:
        case Real():

            def title(k: int) -> str:
                return layout.title(port.name, k)

            numbers[port.name].append(real.read(table.rows, fields, table.span, title, problems))
        case Class():
            found = labels.read(table.rows, fields[0], table.span, layout.title(port.name), problems)
            texts[port.name] += found
        case Tokens():
            texts[port.name] += [row[fields[0]] for row in table.rows]


def format_of(path: str) -> Format:
    """By the ending, `.gz` left aside; what is neither TSV nor CSV is plain text, a line an example."""
    stem = path.lower().removesuffix(".gz")
    if stem.endswith(".tsv"):
        return "tsv"
    return "csv" if stem.endswith(".csv") else "lines"
