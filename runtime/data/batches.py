"""Batches: rows of like length together, in an order that seed and epoch decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from compiler.settings.data import Augment
from runtime.data import lanes
from runtime.data.ahead import ahead
from runtime.data.augment import Moves, moves_of
from runtime.data.batch import Batch
from runtime.data.documents import Pairs
from runtime.data.labels import NONE
from runtime.data.rows import Array, Rows
from runtime.data.spelled import Spelled
from runtime.data.splits import permutation
from runtime.data.tokens import Sequences
from runtime.data.windows import RunningText

POOL = 20
"""Batches that are sorted by length together: more saves padding, fewer mixes the rows better."""
TOGETHER = 1 << 14
"""Windows of a running text whose batches are made together."""


def batches(
    rows: Rows,
    size: int,
    *,
    order: Literal["train", "plain"],
    seed: int = 0,
    epoch: int = 0,
    bucket: bool = True,
    start: int = 0,
    dtype: Literal["f32", "f64"] = "f32",
    tokens: int | None = None,
    unroll: int | None = None,
    augment: Augment | None = None,
) -> Iterator[Batch]:
    """All rows, in batches of `size` and one that may be smaller, or in those that `tokens` allows; of a stream its
    windows, see `lanes`.

    order: "train": shuffled by seed and epoch, rows of like length together; "plain": by length
    bucket: round padded lengths up to few different ones
    start: the batch to begin with, when a run is resumed inside an epoch
    augment: how each picture is moved, anew in each epoch
    """
    if rows.stream:
        yield from lanes.windows(rows, size, unroll, start)
        return
    if rows.text is not None:
        yield from _of_windows(rows, rows.text, size, seed, epoch, start, bucket, dtype)
        return
    if rows.documents is not None:
        pairs = rows.documents.drawn(seed, epoch)
        for index, chosen in enumerate(_scheduled(rows, pairs, size, seed, epoch, tokens)[start:], start):
            part = rows.of_pairs(pairs.take(chosen), seed, epoch, index)
            yield make_batch(part, np.arange(part.count), bucket=bucket, dtype=dtype)
        return
    moves = None if augment is None else moves_of(augment, rows.count, seed, epoch)
    chosen_by_batch = schedule(rows, size, order=order, seed=seed, epoch=epoch, tokens=tokens)
    for index, chosen in enumerate(chosen_by_batch[start:], start):
        key = (seed, epoch, index) if order == "train" else None
        yield make_batch(rows, chosen, bucket=bucket, dtype=dtype, moves=moves, key=key)


def _of_windows(
    rows: Rows,
    text: RunningText,
    size: int,
    seed: int,
    epoch: int,
    start: int,
    bucket: bool,
    dtype: Literal["f32", "f64"],
) -> Iterator[Batch]:
    """Some batches are made together, and then parted: drawing takes longer for each by itself."""
    some = max(TOGETHER // size, 1)
    first, done = divmod(start, some)

    def wholes() -> Iterator[Batch]:
        for index, pairs in enumerate(text.batches(some * size, seed, epoch, first), first):
            every = np.arange(len(pairs))
            yield make_batch(rows.of_windows(pairs), every, bucket=bucket, dtype=dtype, key=(seed, epoch, index))

    for whole in ahead(wholes()):
        yield from islice(_parts(whole, size), done, None)
        done = 0


def _parts(batch: Batch, size: int) -> Iterator[Batch]:
    for at in range(0, batch.count, size):
        part = slice(at, at + size)
        chosen = batch.rows[part]
        arrays = {name: array[part] for name, array in batch.arrays.items()}
        yield Batch(arrays, batch.sizes | {"B": len(chosen)}, len(chosen), chosen)


def schedule(
    rows: Rows,
    size: int,
    *,
    order: Literal["train", "plain"],
    seed: int = 0,
    epoch: int = 0,
    tokens: int | None = None,
) -> list[NDArray[np.int64]]:
    """The rows of each batch of an epoch.

    tokens: instead of `size` rows, as many as have no more positions than that, padding counted, of the longest of a
    row's texts; at least one row
    """
    lengths = sum((rows.lengths(port) for port in rows.symbols), np.zeros(rows.count, np.int64))
    cuts = _Cuts(size) if tokens is None else _Cuts.by_tokens(tokens, padded_lengths(rows))
    if order == "plain":
        return cuts.of(np.argsort(lengths, kind="stable"))
    return _shuffled(rows, lengths, cuts, seed, epoch)


def _scheduled(
    rows: Rows, pairs: Pairs, size: int, seed: int, epoch: int, tokens: int | None
) -> list[NDArray[np.int64]]:
    """The pairs of each batch of an epoch. rows: of documents"""
    assert rows.documents is not None
    lengths = rows.documents.lengths(pairs)
    (symbol,) = rows.symbols.values()
    cuts = _Cuts(size) if tokens is None else _Cuts.by_tokens(tokens, _padded(rows, symbol, lengths))
    return _shuffled(rows, lengths, cuts, seed, epoch)


def _padded(rows: Rows, symbol: str, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    different, place = np.unique(lengths, return_inverse=True)
    return np.array([rows.padded_length(symbol, max(1, int(n))) for n in different], np.int64)[place]


@dataclass(frozen=True)
class _Cuts:
    """How rows that stand in an order become batches.

    size: rows of each; with tokens as many as there are on the average
    tokens: positions that a batch has at most, padding counted; widths: those of each row's longest text
    """

    size: int
    tokens: int | None = None
    widths: NDArray[np.int64] | None = None

    @staticmethod
    def by_tokens(tokens: int, widths: NDArray[np.int64]) -> _Cuts:
        return _Cuts(max(1, int(tokens / widths.mean())), tokens, widths)

    def of(self, chosen: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        if self.tokens is None or self.widths is None:
            return _cut(chosen, self.size)
        return _cut_by_tokens(chosen, self.widths, self.tokens)


def _shuffled(rows: Rows, lengths: NDArray[np.int64], cuts: _Cuts, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """Batches of rows of like length, in an order by chance. lengths: of all rows, padding not counted"""
    shuffled = permutation(rows.count, "order of rows", seed, epoch)
    result: list[NDArray[np.int64]] = []
    for pool in _cut(shuffled, cuts.size * POOL):
        result += cuts.of(pool[np.argsort(lengths[pool], kind="stable")] if rows.symbols else pool)
    return [result[i] for i in permutation(len(result), "order of batches", seed, epoch)]


def _cut(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def _cut_by_tokens(rows: NDArray[np.int64], widths: NDArray[np.int64], tokens: int) -> list[NDArray[np.int64]]:
    cuts = [0]
    longest = 0
    for place, width in enumerate(widths[rows].tolist()):
        longest = max(longest, width)
        if place > cuts[-1] and longest * (place - cuts[-1] + 1) > tokens:
            cuts.append(place)
            longest = width
    return np.split(rows, cuts[1:])


def padded_lengths(rows: Rows) -> NDArray[np.int64]:
    """Positions of each row's longest text once it is padded; 1 where nothing is a text."""
    longest = np.ones(rows.count, np.int64)
    for port, symbol in rows.symbols.items():
        longest = np.maximum(longest, _padded(rows, symbol, rows.lengths(port)))
    return longest


def padded_widths(rows: Rows) -> list[int]:
    """The different ones that rows are padded to."""
    if rows.documents is None:
        return np.unique(padded_lengths(rows)).tolist()
    (symbol,) = rows.symbols.values()
    return np.unique(_padded(rows, symbol, np.arange(1, rows.documents.most + 1))).tolist()


def batch_count(rows: Rows, size: int, *, seed: int = 0, tokens: int | None = None, unroll: int | None = None) -> int:
    """Batches of an epoch; with tokens those of the first, from which others may differ a little."""
    if rows.stream:
        return lanes.window_count(rows, size, unroll)
    if rows.text is not None:
        return -(-rows.text.count(seed, 0) // size)
    if tokens is None:
        return -(-rows.count // size)
    if rows.documents is not None:
        return len(_scheduled(rows, rows.documents.drawn(seed, 0), size, seed, 0, tokens))
    return len(schedule(rows, size, order="train", seed=seed, tokens=tokens))


def largest_sizes(rows: Rows, size: int, tokens: int | None = None, unroll: int | None = None) -> list[dict[str, int]]:
    """The sizes of the batches that can come, without those that another one covers: the largest is one of them."""
    if rows.stream:
        return [lanes.largest(rows, size, unroll)]
    longest = rows.longest
    if rows.text is not None:
        return [rows.largest(size)]
    if tokens is None:
        return [rows.largest(min(size, rows.count))]
    found: dict[int, dict[str, int]] = {}
    for width in padded_widths(rows):
        count = max(1, min(rows.count, tokens // width))
        # Of as many rows the longer batch covers the shorter one; widths rise.
        lengths = {symbol: min(width, most) for symbol, most in longest.items()}
        found[count] = {**rows.largest(count), **lengths, **rows.asked_sizes(count, lengths)}
    return list(found.values())


def make_batch(
    rows: Rows,
    chosen: NDArray[np.int64],
    *,
    bucket: bool = True,
    dtype: Literal["f32", "f64"] = "f32",
    moves: Moves | None = None,
    key: tuple[int, ...] | None = None,
) -> Batch:
    """The batch of these rows. moves: of the pictures of all rows; key: see `Rows.oppose`"""
    real = np.dtype(np.float32 if dtype == "f32" else np.float64)
    arrays: dict[str, Array] = {}
    sizes = {"B": len(chosen)}
    for name, column in rows.columns.items():
        if isinstance(column, Sequences):
            symbol = rows.symbol_of(name)
            longest = int(column.lengths[chosen].max(initial=1))
            width = rows.padded_length(symbol, longest) if bucket else longest
            arrays[name], arrays[f"lengths.{symbol}"] = column.padded(chosen, width)
            sizes[symbol] = width
            if isinstance(column, Spelled):
                sizes |= rows.spell(name, arrays, bucket)
        else:
            taken = column[chosen]
            if moves is not None and taken.ndim in (3, 4):
                # Labels of pixels go with their picture; what comes in from outside has none.
                taken = moves.moved(taken, chosen, NONE if taken.ndim == 3 else 0)
            if taken.dtype == np.uint8:
                arrays[name] = np.divide(taken, real.type(255), dtype=real)
            else:
                arrays[name] = taken.astype(real if taken.dtype.kind == "f" else np.int64, copy=False)
    sizes |= rows.oppose(arrays, chosen, key) | rows.ask(arrays)
    return Batch(arrays, sizes, len(chosen), chosen)
