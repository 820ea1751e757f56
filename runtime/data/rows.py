"""Encoded rows, and the names that their arrays have in the compiled program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import (
    Negatives,
    Port,
    Tokens,
    asked_symbol_of,
    is_pair,
    is_written,
    levels_symbol_of,
    places_of,
    segment_of,
    sequence_symbol_of,
)
from compiler.views import Sentence, Spelling, base
from runtime.data.against import Opponents, most_levels, opponents
from runtime.data.asked import Asked, asked_of
from runtime.data.documents import SCORED, Documents
from runtime.data.documents import Pairs as SentencePairs
from runtime.data.pairs import segments
from runtime.data.spelled import Spelled
from runtime.data.tokens import END, Sequences, Tokenised
from runtime.data.windows import Pairs, RunningText, take_lines

Array: TypeAlias = NDArray[Any]
FIRST_LINES = 100


@dataclass(frozen=True)
class Rows:
    """Rows as numbers, held compactly.

    columns: by port or view: Sequences for what has positions, i64[count] for categories, f64[count, n] for numbers,
        f64[count, steps] or f64[count, steps, columns] for series, u8 or f32[count, h, w, c] for pictures, i64[count]
        for labels (-1: not known). Outputs may be absent when they are to be predicted.
    symbols: for each text that is there, the symbol of its positions: `T`, or `T.<port>` where there are several
        inputs, and of a text that is written
    limits: for each such symbol, the positions that `max=` allows, where it is given
    written: of texts that are to be cut in segments the tokens as they stand; `take` leaves them behind
    text: a running text to learn from, whose windows are the examples; there are no columns then, and count is of words
    against: of outputs that are words, what these are told from
    told: of texts that a model writes what stands in the data
    documents: sentences to learn from, of which pairs are the examples; there are no columns then
    """

    ports: tuple[Port, ...]
    count: int
    columns: Mapping[str, Sequences | Array]
    symbols: Mapping[str, str]
    limits: Mapping[str, int]
    written: Mapping[str, Tokenised] = field(default_factory=dict[str, Tokenised])
    text: RunningText | None = None
    against: Mapping[str, Opponents] = field(default_factory=dict[str, Opponents])
    documents: Documents | None = None
    told: Mapping[str, Sequence[str]] = field(default_factory=dict[str, "Sequence[str]"])

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """These rows, in this order."""
        if len(rows) == self.count and bool((rows == np.arange(self.count)).all()):
            return self
        columns: dict[str, Sequences | Array] = {}
        # Of neighbours a view: windows of a series lie on each other, and copies of them would not.
        together = len(rows) > 0 and bool((np.diff(rows) == 1).all())
        of_array = slice(int(rows[0]), int(rows[-1]) + 1) if together else rows
        for name, column in self.columns.items():
            columns[name] = column.take(rows) if isinstance(column, Sequences) else column[of_array]
        told = {name: [texts[i] for i in rows.tolist()] for name, texts in self.told.items()}
        return Rows(self.ports, len(rows), columns, self.symbols, self.limits, against=self.against, told=told)

    def of_windows(self, pairs: Pairs) -> Rows:
        """Examples of the running text as rows of their own."""
        assert self.text is not None
        columns = self.text.columns(pairs)
        return Rows(self.ports, len(pairs), columns, self.symbols, self.limits, against=self.against)

    def of_pairs(self, pairs: SentencePairs, *key: int) -> Rows:
        """Pairs of sentences as rows of their own. key: decides the masks"""
        assert self.documents is not None
        columns = self.documents.columns(pairs, *key)
        return Rows(self.ports, len(pairs.first), columns, self.symbols, self.limits)

    @property
    def drawn(self) -> bool:
        """Whether its examples are drawn anew in each epoch, of a text that is there once."""
        return self.text is not None or self.documents is not None

    @cached_property
    def asked(self) -> tuple[Asked, ...]:
        """The outputs that are tokens behind a mask."""
        return asked_of(self.ports)

    def ask(self, arrays: dict[str, Array]) -> dict[str, int]:
        """Puts what is made of the texts of a batch into its arrays: in which text of a pair each token stands, which
        places a masked output is asked about, and what stood there. Returns sizes that come with it."""
        sizes: dict[str, int] = {}
        for port in self.ports:
            if is_pair(port.sort):
                lengths = arrays[f"lengths.{self.symbol_of(port.name)}"]
                arrays[segment_of(port.name)] = segments(arrays[port.name], lengths, END)
        for each in self.asked:
            targets, lengths = arrays.get(each.name), arrays[f"lengths.{each.symbol}"]
            places, arrays[each.name] = each.in_batch(targets, arrays[each.text], lengths)
            arrays[places_of(each.name)] = places
            sizes[asked_symbol_of(each.name)] = places.shape[1]
        return sizes

    def asked_sizes(self, rows: int, longest: Mapping[str, int]) -> dict[str, int]:
        """Of so many rows of the longest texts."""
        sizes: dict[str, int] = {}
        for each in self.asked:
            column = self.columns.get(each.text)
            known = self.documents is not None or each.name in self.columns
            if known or not isinstance(column, Sequences):
                sizes[asked_symbol_of(each.name)] = each.width(rows, longest[each.symbol])
            else:
                sizes[asked_symbol_of(each.name)] = each.most_masks(column, rows)
        return sizes

    def of_first_lines(self) -> Rows:
        """All windows of the first lines of the running text, or its first pairs."""
        if self.documents is not None:
            return self.of_pairs(self.documents.drawn(SCORED).take(np.arange(min(FIRST_LINES, self.count))), SCORED)
        assert self.text is not None
        first = take_lines(self.text, np.arange(min(FIRST_LINES, len(self.text.lines.lengths))))
        return self.of_windows(first.everything())

    @cached_property
    def scored_negatives(self) -> dict[str, NDArray[np.int64]]:
        """Of each output with negatives those of each row where it is scored, i64[count, n]: always the same."""
        found = {n: each for n, each in self.against.items() if isinstance(each.port.against, Negatives)}
        return {name: each.negatives(self.count) for name, each in found.items()}

    def oppose(
        self, arrays: dict[str, Array], chosen: NDArray[np.int64], key: tuple[int, ...] | None
    ) -> dict[str, int]:
        """Puts what words are told from into the arrays of a batch of these rows. Returns sizes that come with it.

        key: decides what is drawn; None where the rows are scored
        """
        sizes: dict[str, int] = {}
        for name, each in self.against.items():
            drawn = isinstance(each.port.against, Negatives)
            if name not in arrays:
                continue
            negatives = None
            if drawn:
                negatives = self.scored_negatives[name][chosen] if key is None else each.negatives(len(chosen), *key)
            arrays[f"{name}.rows"], arrays[f"{name}.signs"] = each.beside(arrays[name], negatives)
            if not drawn:
                sizes[levels_symbol_of(each.port)] = arrays[f"{name}.rows"].shape[1]
        return sizes

    def lengths(self, port: str) -> NDArray[np.int64]:
        """Positions of each row of a text."""
        column = self.columns[port]
        assert isinstance(column, Sequences)
        return column.lengths

    def symbol_of(self, port: str) -> str:
        """The symbol of a sequence's positions, also of a view's and of what is `per` a text; an output has its own."""
        text = base(port)
        per = next(p.per for p in self.ports if p.name == text)
        return self.symbols.get(per or text, f"T.{text}")

    def spelled_symbols(self, name: str) -> tuple[str, str]:
        """Of a spelling: the different words of a batch and their characters."""
        port = next(p for p in self.ports if p.name == base(name))
        view = next(v for v in port.views if v.of(port.name) == name)
        assert isinstance(view, Spelling | Sentence)
        return view.symbols(self.symbol_of(name))

    def spell(self, name: str, arrays: dict[str, Array], bucket: bool) -> dict[str, int]:
        """Puts the different words of a batch into its arrays, and into its own, which has the words' numbers, which of
        them stands where. Returns the sizes of both."""
        symbols = self.spelled_symbols(name)
        arrays[name], letters, lengths = self.spelled[name].of_batch(arrays[name], bucket)
        arrays[f"{name}.letters"], arrays[f"lengths.{symbols[1]}"] = letters, lengths
        return dict(zip(symbols, letters.shape, strict=True))

    @property
    def spelled(self) -> dict[str, Spelled]:
        """The columns of words by their characters."""
        return {name: column for name, column in self.columns.items() if isinstance(column, Spelled)}

    @property
    def longest(self) -> dict[str, int]:
        """By symbol, the positions that the longest row takes when it is padded: for what memory is needed at most."""
        if self.text is not None:
            return {s: self.padded_length(s, self.text.widest) for s in self.symbols.values()}
        if self.documents is not None:
            return {s: self.padded_length(s, self.documents.most) for s in self.symbols.values()}
        return {s: self.padded_length(s, int(self.lengths(p).max(initial=1))) for p, s in self.symbols.items()}

    def largest(self, rows: int) -> dict[str, int]:
        """The sizes that a batch of so many rows has at most."""
        longest = self.longest
        others = {**self.spelled_sizes(rows), **most_levels(self.against), **self.asked_sizes(rows, longest)}
        return {"B": rows, **longest, **others}

    def spelled_sizes(self, rows: int, positions: int | None = None) -> dict[str, int]:
        """Of the words that so many rows, or positions, have at most."""
        sizes: dict[str, int] = {}
        for name, column in self.spelled.items():
            found = column.most_words(rows, positions), column.most_letters()
            sizes |= zip(self.spelled_symbols(name), found, strict=True)
        return sizes

    @property
    def stream(self) -> bool:
        """Whether the positions are one stream, in one row: `runtime.data.lanes` makes its batches."""
        return any(port.stream for port in self.ports)

    @property
    def positions(self) -> int:
        """Of a stream."""
        (port,) = self.symbols
        return int(self.lengths(port).sum())

    @property
    def examples(self) -> int:
        """What training and scoring count: rows, and of a stream positions."""
        return self.positions if self.stream else self.count

    @property
    def tokens(self) -> int:
        """Positions of all text inputs together."""
        if self.text is not None:
            return self.count
        if self.documents is not None:
            return len(self.documents.lines.ids)
        return sum(int(self.lengths(p).sum()) for p in self.symbols)

    def padded_length(self, symbol: str, longest: int) -> int:
        """The length a batch is padded to: few different ones, so that few programs are compiled; never past `max=`."""
        return min(bucket(longest), self.limits.get(symbol, 1 << 62))


def make(ports: tuple[Port, ...], count: int, columns: Mapping[str, Sequences | Array]) -> Rows:
    """Rows with the symbols that the ports ask for."""
    there = {p.name for p in ports if not is_written(p) or p.name in columns}
    symbols = {name: symbol for name, symbol in sequence_symbols(ports).items() if name in there}
    limits = {
        symbols[p.name]: p.sort.max + 1 if is_written(p) else max(p.sort.max, 2 if p.sort.marks else 1)
        for p in ports
        if p.name in symbols and isinstance(p.sort, Tokens) and p.sort.max is not None
    }
    return Rows(ports, count, columns, symbols, limits)


def of_text(ports: tuple[Port, ...], text: RunningText, counts: Mapping[str, tuple[int, ...]]) -> Rows:
    """A running text to learn from."""
    symbols = {
        name: s for name, s in sequence_symbols(ports).items() if name in {p.name for p in ports if not p.output}
    }
    limits = dict.fromkeys(symbols.values(), text.widest)
    return Rows(ports, text.words, {}, symbols, limits, text=text, against=opponents(ports, counts))


def of_documents(documents: Documents) -> Rows:
    """Sentences to learn from."""
    rows = make(documents.ports, len(documents.first), {})
    return replace(rows, documents=documents)


def sequence_symbols(ports: tuple[Port, ...]) -> dict[str, str]:
    """For each text, the symbol of its positions."""
    return {p.name: sequence_symbol_of(p, ports) for p in ports if isinstance(p.sort, Tokens)}


def bucket(length: int) -> int:
    """Up to a multiple of 4 (to 32), of 8 (to 64), of 16 (to 128), then of an eighth of the next power of two."""
    step = 4 if length <= 32 else (1 << (length - 1).bit_length()) // 8
    return -(-length // step) * step
