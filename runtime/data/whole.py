"""All rows of a dataset end to end, so that each column is tokenised and encoded once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from compiler.sorts import (
    Ahead,
    Category,
    Class,
    Image,
    Pixels,
    Port,
    Real,
    Segments,
    Series,
    Spans,
    Tokens,
    Word,
    is_written,
    owner,
)
from dsl.errors import Diagnostic, Note
from dsl.source import Span
from runtime.data import following, labels, maps, tags, tokens, views, written
from runtime.data import rows as encoded
from runtime.data.against import opponents
from runtime.data.part import Columns
from runtime.data.problems import Problems
from runtime.data.raw import Raw
from runtime.data.rows import Array, Rows
from runtime.data.table import plural
from runtime.data.tables import Tables
from runtime.data.tokens import OWN_IDS, Sequences, Tokenised


@dataclass(frozen=True)
class Whole:
    """parts: the rows of `train`, `valid` and `test`, in that order, as far as they have rows of their own"""

    count: int
    columns: Columns
    parts: tuple[Raw, ...]

    @staticmethod
    def of(parts: tuple[Raw, ...]) -> Whole:
        columns = Columns.joined((part.columns for part in parts), parts[0].columns.ports())
        return Whole(sum(part.count for part in parts), columns, parts)

    def first_row(self, part: int) -> int:
        return sum(p.count for p in self.parts[:part])

    def span(self, port: str, row: int, position: int | None = None) -> Span:
        for part in self.parts:
            if row < part.count:
                return part.span(port, row, position)
            row -= part.count
        raise IndexError(row)

    def tokenised(self, ports: tuple[Port, ...], problems: Problems) -> dict[str, Tokenised]:
        """The tokens of every port with ids or labels for each position that the rows have, of subwords their parts.

        Raises DataError NN726 where a text and what is `per` it have different lengths.
        """
        found: dict[str, Tokenised] = {}
        ports = written.as_read(following.as_read(ports))
        for port in ports:
            given = self.columns.lists.get(port.name, self.columns.texts.get(port.name))
            if given is None:
                continue
            match port.sort:
                case Tokens():
                    found[port.name] = tokens.tokenise(port.sort, given)
                case Category() | Class() | Segments() | Spans() if port.per is not None:
                    found[port.name] = tokens.tokenise(tokens.as_tokens(port, ports), given)
                    if isinstance(port.sort, Spans):
                        place = partial(self.span, port.name)
                        tags.check(port.name, found[port.name], place, problems)
                case Word(lower=True):
                    found[port.name] = tokens.one_each([word.lower() for word in self.columns.texts[port.name]])
                case Category():
                    found[port.name] = tokens.one_each(self.columns.texts[port.name])
                case _:
                    pass
        for port in ports:
            if port.per is not None and port.name in found:
                self._check_lengths(port, port.per, found, problems)
        problems.check()
        return found | views.tokenised(ports, found)

    def _check_lengths(self, port: Port, text: str, found: Mapping[str, Tokenised], problems: Problems) -> None:
        values, words = found[port.name].lengths, found[text].lengths
        for row in np.flatnonzero(values != words).tolist():
            problems.add(
                Diagnostic(
                    "NN726",
                    f"`{port.name}` has {plural(int(values[row]), 'value')}, "
                    f"but `{text}` has {plural(int(words[row]), 'token')}",
                    self.span(port.name, row),
                    notes=(Note(self.span(text, row), f"`{text}` of the same row"),),
                    help=f"give one value for each token of `{text}`",
                )
            )

    def encoded(self, ports: tuple[Port, ...], tables: Tables, tokenised: Mapping[str, Tokenised]) -> Rows:
        """The rows as numbers."""
        columns: dict[str, Sequences | Array] = {}
        given = self.columns
        every, ports = ports, written.as_read(following.as_read(ports))
        for port in ports:
            name = port.name
            match port.sort:
                case Tokens() if name in tokenised:
                    columns[name] = tokens.encode(port.sort, tokenised[name], tables.vocabularies[owner(port)])
                case Category() if name in tokenised and port.per is not None:
                    like = tokens.as_tokens(port, ports)
                    columns[name] = tokens.encode(like, tokenised[name], tables.vocabularies[owner(port)])
                case Category() if name in tokenised:
                    ids = tokens.encode_one_each(tokenised[name], tables.vocabularies[owner(port)])
                    columns[name] = np.where(ids < OWN_IDS, labels.UNKNOWN, ids) if port.output else ids
                case Real(standard=standard) if name in given.numbers:
                    values = given.numbers[name]
                    columns[name] = tables.scalings[name].apply(values) if standard else values
                case Series() | Ahead() if name in given.numbers:
                    columns[name] = given.numbers[name]
                case Image() if name in given.pictures:
                    columns[name] = given.pictures[name]
                case Pixels() if name in given.maps:
                    columns[name] = maps.encode(given.maps[name], tables.labels[name])
                case Class() if name in tokenised:
                    like = tokens.as_tokens(port, ports)
                    columns[name] = labels.encode_each(like, tokenised[name], tables.labels[name])
                case Segments() | Spans() if name in tokenised:
                    # A text that is cut may end inside of a word: its last one ends there.
                    columns[name] = tags.encode(tokens.as_tokens(port, ports), tokenised[name], tables.labels[name])
                case Class() if name in given.texts:
                    columns[name] = labels.encode(given.texts[name], tables.labels[name])
                case _:
                    pass
        for view in views.views_of(ports):
            if view.name in tokenised:
                columns[view.name] = views.encoded(view, ports, tokenised, tables.vocabularies[view.owner])
        rows = encoded.make(every, self.count, written.with_fed(every, following.with_targets(every, columns)))
        texts = {p.per for p in ports if isinstance(p.sort, Segments)}
        rows = replace(rows, against=opponents(every, tables.counts))
        told = {
            p.name: given.texts.get(p.name) or [" ".join(tokens) for tokens in given.lists[p.name]]
            for p in ports
            if is_written(p) and p.name in tokenised
        }
        return replace(rows, told=told, written={name: each for name, each in tokenised.items() if name in texts})
