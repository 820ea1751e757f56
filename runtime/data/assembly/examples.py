"""Data of which each row is an example, as most are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from compiler.sorts import Port
from runtime.data import copied, fitting, repeats, subwords
from runtime.data.assembly.entries import Assembled, Entries
from runtime.data.problems import Problems
from runtime.data.raw import Raw
from runtime.data.real import Scaling
from runtime.data.rows import Rows
from runtime.data.splits import Indices
from runtime.data.tables import Tables
from runtime.data.whole import Whole


def assemble(
    entries: Entries, splits: Mapping[str, Indices] | None = None, scalings: Mapping[str, Scaling] | None = None
) -> Assembled:
    """splits: where they are decided already; scalings: of what is in the network's scale already"""
    ports, problems, whole = entries.ports, entries.problems, entries.whole
    splits = entries.splits() if splits is None else splits
    parts = whole.tokenised(ports, problems)
    known = subwords.learnt(ports, parts, splits["train"], entries.vocabularies)
    tokenised = subwords.cut(ports, parts, known)
    tables = fitting.fit(ports, tokenised, whole.columns, splits["train"], known)
    tables = replace(tables, scalings={**tables.scalings, **(scalings or {})})
    everything = whole.encoded(ports, tables, tokenised)
    copied.check(ports, everything, tables, whole.span, problems)
    fitting.warn(ports, tokenised, whole.columns, whole.span, splits, everything, problems)
    repeats.warn(ports, whole, splits, problems)
    rows = {name: everything.take(chosen) for name, chosen in splits.items()}
    return Assembled(entries.dataset(rows, tables), whole, tokenised, splits)


def of_file(
    ports: tuple[Port, ...], tables: Tables, raw: Raw, problems: Problems, *, outputs_optional: bool = False
) -> Rows:
    """The rows of another file. outputs_optional: what stands in the outputs' columns is not asked for"""
    whole = Whole.of((raw,))
    tokenised = subwords.cut(ports, whole.tokenised(ports, problems), tables.vocabularies)
    found = whole.encoded(ports, tables, tokenised)
    if not outputs_optional:
        copied.check(ports, found, tables, whole.span, problems)
    fitting.warn(ports, tokenised, whole.columns, whole.span, {"test": np.arange(raw.count)}, found, problems)
    return found
