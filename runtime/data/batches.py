"""Batches: rows of like length together, in an order that seed and epoch decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from runtime.data.rows import Array, Rows
from runtime.data.splits import permutation
from runtime.data.tokens import Sequences

POOL = 20
"""Batches that are sorted by length together: more saves padding, fewer mixes the rows better."""


@dataclass(frozen=True)
class Batch:
    """What one step is fed.

    arrays: by port its data (ids i64[B, T], numbers [B, n], labels i64[B]); `lengths.T` i64[B] for each text input
    sizes: `B`, and each text input's padded length
    rows: which rows these are
    """

    arrays: dict[str, Array]
    sizes: dict[str, int]
    count: int
    rows: NDArray[np.int64]


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
) -> Iterator[Batch]:
    """All rows, in batches of `size` and one that may be smaller.

    order: "train": shuffled by seed and epoch, rows of like length together; "plain": by length
    bucket: round padded lengths up to few different ones
    start: the batch to begin with, when a run is resumed inside an epoch
    """
    for chosen in schedule(rows, size, order=order, seed=seed, epoch=epoch)[start:]:
        yield make_batch(rows, chosen, bucket=bucket, dtype=dtype)


def schedule(
    rows: Rows, size: int, *, order: Literal["train", "plain"], seed: int = 0, epoch: int = 0
) -> list[NDArray[np.int64]]:
    """The rows of each batch of an epoch."""
    lengths = sum((rows.lengths(port) for port in rows.symbols), np.zeros(rows.count, np.int64))
    if order == "plain":
        return _cut(np.argsort(lengths, kind="stable"), size)
    shuffled = permutation(rows.count, "order of rows", seed, epoch)
    result: list[NDArray[np.int64]] = []
    for pool in _cut(shuffled, size * POOL):
        result += _cut(pool[np.argsort(lengths[pool], kind="stable")] if rows.symbols else pool, size)
    return [result[i] for i in permutation(len(result), "order of batches", seed, epoch)]


def _cut(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def make_batch(
    rows: Rows, chosen: NDArray[np.int64], *, bucket: bool = True, dtype: Literal["f32", "f64"] = "f32"
) -> Batch:
    """The batch of these rows."""
    real = np.dtype(np.float32 if dtype == "f32" else np.float64)
    arrays: dict[str, Array] = {}
    sizes = {"B": len(chosen)}
    for port in rows.ports:
        column = rows.columns.get(port.name)
        if isinstance(column, Sequences):
            symbol = rows.symbols.get(port.name, f"T.{port.name}")
            longest = int(column.lengths[chosen].max(initial=1))
            width = rows.padded_length(symbol, longest) if bucket else longest
            arrays[port.name], arrays[f"lengths.{symbol}"] = column.padded(chosen, width)
            sizes[symbol] = width
        elif column is not None:
            taken = column[chosen]
            arrays[port.name] = taken.astype(real, copy=False) if taken.dtype.kind == "f" else taken
    return Batch(arrays, sizes, len(chosen), chosen)
