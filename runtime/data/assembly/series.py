"""Time series: of the rows of a file examples are cut, each with what comes before it and behind it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from compiler.settings.data import Missing
from compiler.sorts import Port
from runtime.data import series
from runtime.data.assembly import examples
from runtime.data.assembly.entries import Assembled, Entries
from runtime.data.problems import Problems
from runtime.data.raw import Raw
from runtime.data.rows import Rows
from runtime.data.splits import Indices
from runtime.data.tables import Tables


def assemble(entries: Entries) -> Assembled:
    """Rows are split before examples are cut, so that no window of one split has a target of another."""
    ports, parts, problems = entries.ports, entries.parts, entries.problems
    filled = {name: series.carried_on(ports, raw, entries.settings.missing) for name, raw in parts.items()}
    rows = series.divided(parts["train"], entries.settings)
    scalings = series.fit(ports, filled["train"], rows.train)
    scaled = {name: series.scaled(ports, raw, scalings) for name, raw in filled.items()}
    cut = {name: series.examples(ports, scaled[name], parts[name], name, problems) for name in parts}
    splits: dict[str, Indices] = {}
    first, ahead = 0, series.furthest(ports)
    for name, each in cut.items():
        splits[name] = np.arange(first, first + each.raw.count)
        first += each.raw.count
    for name, chosen in (("train", rows.train), ("valid", rows.valid), ("test", rows.test)):
        if chosen is not None:
            splits[name] = series.inside(cut["train"], chosen, ahead)
    series.require(splits, ports)
    return examples.assemble(replace(entries, parts={n: each.raw for n, each in cut.items()}), splits, scalings)


def of_file(ports: tuple[Port, ...], tables: Tables, raw: Raw, problems: Problems, missing: Missing) -> Rows:
    """All examples of another file."""
    filled = series.scaled(ports, series.carried_on(ports, raw, missing), tables.scalings)
    return examples.of_file(ports, tables, series.examples(ports, filled, raw, "given", problems).raw, problems)
