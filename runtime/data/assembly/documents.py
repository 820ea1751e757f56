"""Running text that pairs of sentences are drawn from: parted in documents, split by these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.settings.data import DataSettings
from compiler.sorts import Port, Tokens, is_pair, owner, pair_of
from runtime.data import fitting, tokens
from runtime.data import rows as encoded
from runtime.data.assembly.entries import Assembled, Entries
from runtime.data.documents import SCORED, Documents, parted, require_pairs
from runtime.data.problems import Problems
from runtime.data.raw import Raw
from runtime.data.rows import Rows
from runtime.data.splits import Indices, split
from runtime.data.tables import Tables
from runtime.data.tokens import Sequences, Tokenised, Vocabulary
from runtime.data.whole import Whole

Ids = NDArray[np.int64]


def as_lines(ports: tuple[Port, ...]) -> tuple[Port, ...]:
    """The ports as sentences are cut into words: each line by itself, without marks, whole."""
    return tuple(
        replace(p, sort=replace(p.sort, max=None, marks=False)) if isinstance(p.sort, Tokens) and is_pair(p.sort) else p
        for p in ports
    )


@dataclass(frozen=True)
class Lines:
    """The sentences of a text. lines: which of all lines they are; starts: of each document its first sentence, and
    where the last one ends; parts: of each document the entry that it stands in"""

    lines: Ids
    starts: Ids
    parts: Ids

    @staticmethod
    def of(tokenised: Tokenised, parts: Sequence[Raw]) -> Lines:
        first = np.cumsum([0, *(part.count for part in parts)])
        files = (np.array([row for row, _ in part.places] or [0]) for part in parts)
        begins = np.concatenate([start + rows for start, rows in zip(first[:-1], files, strict=True)])
        lines, document = parted(np.diff(tokenised.offsets), begins)
        starts = np.concatenate([np.flatnonzero(np.diff(document, prepend=-1)), [len(lines)]])
        of_part = np.searchsorted(first, lines[starts[:-1]], side="right") - 1
        return Lines(lines, starts, of_part)

    def splits(self, names: Sequence[str], settings: DataSettings, fold: int | None) -> dict[str, Indices]:
        """Which documents are whose. names: of the entries, `train` first"""
        (own,) = np.nonzero(self.parts == 0)
        divided = split(len(own), settings, fold, "document")
        found = {"train": own[divided.train]}
        for name, drawn in (("valid", divided.valid), ("test", divided.test)):
            if drawn is not None:
                found[name] = own[drawn]
            elif name in names:
                found[name] = np.flatnonzero(self.parts == names.index(name))
        return found

    def in_documents(self, documents: Indices) -> Indices:
        """The lines of all these documents, among all lines."""
        return np.concatenate(
            [np.zeros(0, np.int64), *(self.lines[self.starts[d] : self.starts[d + 1]] for d in documents)]
        )


def documents_of(ports: tuple[Port, ...], found: Lines, tokenised: Tokenised, vocabulary: Vocabulary) -> Documents:
    """All documents. tokenised: of all lines"""
    ids = tokens.ids_of_types(tokenised, vocabulary)[tokenised.types]
    whole = Sequences(ids, tokenised.offsets)
    return Documents(ports, whole.take(found.lines), found.starts, len(vocabulary))


def assemble(entries: Entries) -> Assembled:
    """Of the split that is trained on, pairs and masks are drawn anew in each epoch."""
    ports, whole, problems = entries.ports, entries.whole, entries.problems
    read = as_lines(ports)
    tokenised = whole.tokenised(read, problems)
    (text,) = (p for p in read if not p.output)
    found = Lines.of(tokenised[text.name], tuple(entries.parts.values()))
    documents = found.splits(list(entries.parts), entries.settings, entries.fold)
    splits = {name: found.in_documents(each) for name, each in documents.items()}
    tables = fitting.fit(read, tokenised, whole.columns, splits["train"], entries.vocabularies)
    fitting.warn((text,), tokenised, whole.columns, whole.span, splits, encoded.make((text,), 0, {}), problems)
    every = documents_of(ports, found, tokenised[text.name], tables.vocabularies[owner(text)])
    rows = {name: to_score(every.take(each), name) for name, each in documents.items() if name != "train"}
    rows["train"] = to_learn(every.take(documents["train"]))
    return Assembled(entries.dataset(rows, tables), whole, tokenised, splits)


def to_learn(documents: Documents) -> Rows:
    require_pairs(documents, "train")
    return encoded.of_documents(documents)


def to_score(documents: Documents, part: str) -> Rows:
    """Pairs and masks that are always the same."""
    require_pairs(documents, part)
    return encoded.of_documents(documents).of_pairs(documents.drawn(SCORED), SCORED)


def of_file(ports: tuple[Port, ...], tables: Tables, raw: Raw, problems: Problems) -> Rows:
    """The pairs of another text, to be scored."""
    pair = pair_of(ports)
    assert pair is not None
    text = Whole.of((raw,)).tokenised(as_lines(ports), problems)[pair.name]
    return to_score(documents_of(ports, Lines.of(text, (raw,)), text, tables.vocabularies[owner(pair)]), "test")
