"""Batches of a stream: lanes side by side, which go on from window to window; one lane where it is scored."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from runtime.data.batch import Batch
from runtime.data.rows import Rows
from runtime.data.spelled import Spelled
from runtime.data.tokens import Sequences

SCORED_AT_ONCE = 32
"""Positions of a window for each row of a batch, where a stream is scored in one lane: as much memory as training takes
with windows that long."""


def lanes(positions: int, size: int) -> NDArray[np.int64]:
    """Where each of `size` lanes begins, and where the last one ends. All are equally long, or one position longer;
    no position is left out, and of a stream that is too short there are fewer lanes."""
    count = max(1, min(size, positions))
    return np.arange(count + 1, dtype=np.int64) * positions // count


def shape(rows: Rows, size: int, unroll: int | None) -> tuple[int, int]:
    """How many lanes there are, and the positions of a window.

    unroll: of training; None for scoring, in one lane
    """
    if unroll is None:
        return 1, min(rows.positions, size * SCORED_AT_ONCE)
    bounds = lanes(rows.positions, size)
    return len(bounds) - 1, min(int(np.diff(bounds).max()), unroll)


def window_count(rows: Rows, size: int, unroll: int | None) -> int:
    count, width = shape(rows, size, unroll)
    return -(-int(np.diff(lanes(rows.positions, count)).max()) // width)


def largest(rows: Rows, size: int, unroll: int | None) -> dict[str, int]:
    """The sizes of a window."""
    count, width = shape(rows, size, unroll)
    (symbol,) = rows.symbols.values()
    return {"B": count, symbol: width, **rows.spelled_sizes(count, count * width)}


def windows(rows: Rows, size: int, unroll: int | None, start: int = 0) -> Iterator[Batch]:
    """Window after window of all lanes; in the last one lanes may have a position less than others, or none.

    start: the window to begin with
    """
    count, width = shape(rows, size, unroll)
    bounds = lanes(rows.positions, count)
    (symbol,) = rows.symbols.values()
    for window in range(start, window_count(rows, size, unroll)):
        first = bounds[:-1] + window * width
        lengths = np.clip(bounds[1:] - first, 0, width)
        places = first[:, None] + np.arange(width)
        real = np.arange(width) < lengths[:, None]
        chosen = places[real]
        arrays, sizes = {f"lengths.{symbol}": lengths}, {"B": count, symbol: width}
        for name, column in rows.columns.items():
            assert isinstance(column, Sequences)
            arrays[name] = np.zeros((count, width), np.int64)
            arrays[name][real] = column.ids[chosen]
            if isinstance(column, Spelled):
                sizes |= rows.spell(name, arrays, True)
        yield Batch(arrays, sizes, len(chosen), chosen)
