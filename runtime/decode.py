"""What a decoder expects after what has been written: by its step, or by reading all of it anew for each token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from compiler.ir.graph import Graph
from compiler.settings.predict import PredictSettings
from compiler.sorts import Port, Tokens, fed_name
from runtime.backend import Array
from runtime.data import Batch, Rows, batches
from runtime.data.rows import bucket
from runtime.evaluate import feeds_of, float_dtype
from runtime.execute import Executor
from runtime.memory import require_memory
from runtime.search import Decoder, Ids, beam_search, drawn
from runtime.stepping import Stepping
from runtime.weights import stream
from runtime.workers import share

ROWS = 512
"""That are written at once, by all threads together, those of a beam counted: memory does not hang on the threads."""
FEWEST = 128
"""For a thread of its own."""


class Speaker(Decoder, Protocol):
    """A decoder of one text, for batch after batch."""

    def begin(self, batch: Batch, copies: int) -> None:
        """Rows of the inputs, each so many times."""
        ...

    def another(self) -> Speaker:
        """For other rows, at the same time."""
        ...


class Stepped:
    """By its step. start: what comes from the inputs alone, None where nothing does; port: the text that is written"""

    def __init__(self, port: Port, output: str, start: Executor | None, stepping: Stepping) -> None:
        self.port, self.output, self.start, self.stepping = port, output, start, stepping
        self.feeds: dict[str, Array] = {}

    def another(self) -> Stepped:
        start = None if self.start is None else self.start.another()
        return Stepped(self.port, self.output, start, self.stepping.another())

    def begin(self, batch: Batch, copies: int) -> None:
        first: dict[str, Array] = {}
        if self.start is not None:
            require_room(self.start, batch.sizes)
            found = self.start.run(feeds_of(self.start.graph, batch), batch.sizes)
            first = {name: np.repeat(value, copies, axis=0) for name, value in found.items()}
        self.feeds = _repeated(feeds_of(self.stepping.program.graph, batch), copies)
        self.stepping.begin(first, {**batch.sizes, "B": batch.sizes["B"] * copies})

    def expected(self, ids: Ids) -> Array:
        return self.stepping.run({**self.feeds, fed_name(self.port): ids[:, None]})[self.output][:, 0]

    def follow(self, parents: Ids, since: Ids) -> None:
        self.stepping.follow(parents, since)
        self.feeds = _of_rows(self.feeds, parents)


class Anew:
    """By reading inputs and text anew for each token. symbol: of the text's positions"""

    def __init__(self, port: Port, output: str, whole: Executor, symbol: str) -> None:
        self.port, self.output, self.whole, self.symbol = port, output, whole, symbol
        self.feeds: dict[str, Array] = {}
        self.sizes: dict[str, int] = {}
        self.text: Ids = np.zeros((0, 0), np.int64)

    def another(self) -> Anew:
        return Anew(self.port, self.output, self.whole.another(), self.symbol)

    def begin(self, batch: Batch, copies: int) -> None:
        self.feeds = _repeated(feeds_of(self.whole.graph, batch), copies)
        self.sizes = {**batch.sizes, "B": batch.sizes["B"] * copies}
        self.text = np.zeros((self.sizes["B"], 0), np.int64)

    def expected(self, ids: Ids) -> Array:
        self.text = np.concatenate([self.text, ids[:, None]], axis=1)
        count, length = self.text.shape
        sizes = {**self.sizes, self.symbol: bucket(length)}
        require_room(self.whole, sizes)
        padded = np.zeros((count, sizes[self.symbol]), np.int64)
        padded[:, :length] = self.text
        feeds = {**self.feeds, fed_name(self.port): padded, f"lengths.{self.symbol}": np.full(count, length)}
        return self.whole.run(feeds, sizes)[self.output][:, length - 1]

    def follow(self, parents: Ids, since: Ids) -> None:
        self.text = self.text[parents]
        self.feeds, self.sizes["B"] = _of_rows(self.feeds, parents), len(parents)


def _repeated(feeds: Mapping[str, Array], copies: int) -> dict[str, Array]:
    return {name: np.repeat(value, copies, axis=0) for name, value in feeds.items()}


def _of_rows(feeds: Mapping[str, Array], parents: Ids) -> dict[str, Array]:
    """What is fed for each row of its example, for so many rows."""
    return {name: value[parents] for name, value in feeds.items()}


def require_room(executor: Executor, sizes: Mapping[str, int]) -> None:
    require_memory(executor.arena_bytes(sizes), executor.backend.available_bytes(), "writing")


def most_written(port: Port, settings: PredictSettings) -> int:
    """Tokens that an output's text has at most: one of as many may have been cut off."""
    assert isinstance(port.sort, Tokens)
    return settings.max if port.sort.max is None else min(settings.max, port.sort.max)


def texts_of(
    speakers: Sequence[Speaker], graph: Graph, port: Port, rows: Rows, settings: PredictSettings, seed: int
) -> list[list[int]]:
    """The ids that are written for each row, without the end.

    speakers: each has a thread; graph: for prediction; seed: of what is drawn
    """
    rows = without_texts(rows)
    most = most_written(port, settings)
    found: list[list[int]] = [[] for _ in range(rows.count)]

    def write(speaker: Speaker, batch: Batch) -> None:
        speaker.begin(batch, settings.beam)
        if settings.beam > 1:
            texts = beam_search(speaker, batch.count, settings, most)
        else:
            seeds = [_seed(seed, row) for row in batch.rows.tolist()] if settings.temperature else [0] * batch.count
            texts = drawn(speaker, settings, most, seeds)
        for row, text in zip(batch.rows.tolist(), texts, strict=True):
            found[row] = text

    examples = max(1, ROWS // len(speakers) // settings.beam)
    share(write, batches(rows, examples, order="plain", dtype=float_dtype(graph)), speakers)
    return found


def _seed(seed: int, row: int) -> int:
    """Whatever rows are beside it in a batch, a row is written alike."""
    return int(stream(seed, f"text {row}").bit_generator.random_raw())


def without_texts(rows: Rows) -> Rows:
    """The rows without the texts that are to be written."""
    outputs = {p.name for p in rows.ports if p.output}
    names = {*outputs, *(fed_name(p) for p in rows.ports)}
    columns = {name: column for name, column in rows.columns.items() if name not in names}
    symbols = {name: symbol for name, symbol in rows.symbols.items() if name not in outputs}
    return replace(rows, columns=columns, symbols=symbols)
