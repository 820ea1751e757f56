"""All lines of each split end to end: for a `stateful` layer, or for windows of `max=` positions."""

from __future__ import annotations

from compiler.sorts import Port
from runtime.data import fitting, streams, subwords
from runtime.data.assembly.entries import Assembled, Entries
from runtime.data.problems import Problems
from runtime.data.raw import Raw
from runtime.data.rows import Rows
from runtime.data.tables import Tables
from runtime.data.whole import Whole


def assemble(entries: Entries) -> Assembled:
    """A split is by tokens."""
    ports, whole, problems = entries.ports, entries.whole, entries.problems
    lines = whole.tokenised(ports, problems)
    counts = [(name, raw.count) for name, raw in entries.parts.items()]
    made = streams.streams(ports, lines, counts, entries.settings, entries.fold)
    known = subwords.learnt(ports, made.counted, made.splits["train"], entries.vocabularies)
    made, lines = subwords.cut_stream(made, ports, known), subwords.cut(ports, lines, known)
    tables = fitting.fit(ports, made.counted, whole.columns, made.splits["train"], known)
    rows = {name: made.rows(ports, tables, name) for name in made.splits}
    fitting.warn(ports, made.counted, whole.columns, whole.span, made.splits, rows["train"], problems)
    return Assembled(entries.dataset(rows, tables), whole, made.counted, made.splits, lines)


def of_file(ports: tuple[Port, ...], tables: Tables, raw: Raw, problems: Problems) -> Rows:
    """The lines of another file, as one stream."""
    lines = subwords.cut(ports, Whole.of((raw,)).tokenised(ports, problems), tables.vocabularies)
    return streams.streams(ports, lines, [("test", raw.count)]).rows(ports, tables, "test")
