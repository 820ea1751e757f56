"""Tokens behind a mask: which they are, and where in a batch they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Masked, Port, along, sequence_symbol_of
from runtime.data.labels import NONE
from runtime.data.splits import draws
from runtime.data.tokens import MASK_ID, OWN_IDS, Sequences

Ids = NDArray[np.int64]
MASKED, KEPT = 0.8, 0.1
"""Of the tokens that are asked about: masked, left as they are; another word stands in the place of the rest. Devlin et
al. 2019."""


@dataclass(frozen=True)
class Asked:
    """A masked output. text: whose tokens; symbol: of its positions"""

    name: str
    text: str
    symbol: str
    rate: float

    def most(self, positions: int) -> int:
        """Tokens that a row of so many positions is asked about, at most."""
        return max(1, round(self.rate * positions))

    def masked(self, column: Sequences, words: int, *key: int) -> tuple[Sequences, Sequences]:
        """The text as it is shown, and what stood there where it is asked about, NONE elsewhere.

        words: ids of the vocabulary; key: decides what is drawn

        Of each row the share of its positions, one at least; never marks, masks, nor words without an id.
        """
        count = len(column.ids)
        order, kind, word = (draws(count, f"{what} of {self.name}", *key) for what in ("masks", "kinds", "words"))
        may = column.ids > MASK_ID
        rows = np.repeat(np.arange(len(column.lengths)), column.lengths)
        # Those that may be masked first, in an order that is drawn; each row's begin where the row does.
        best = np.lexsort((np.where(may, order, 2.0), rows))
        rank = np.arange(count) - np.repeat(column.offsets[:-1], column.lengths)
        wanted = np.maximum(1, np.rint(self.rate * column.lengths))
        asked = best[(rank < np.repeat(wanted, column.lengths)) & may[best]]
        targets = np.full(count, NONE, np.int32)
        targets[asked] = column.ids[asked]
        shown = column.ids.copy()
        shown[asked[kind[asked] < MASKED]] = MASK_ID
        other = asked[kind[asked] >= MASKED + KEPT]
        shown[other] = MASK_ID + 1 + (word[other] * (words - MASK_ID - 1)).astype(np.int32)
        return Sequences(shown, column.offsets), Sequences(targets, column.offsets)

    def in_batch(self, targets: Ids | None, shown: Ids, lengths: Ids) -> tuple[Ids, Ids]:
        """The places of a batch that are asked about, and what stood there: i64[1, M], -1 where there is none.

        targets, shown: i64[B, T]; without targets each mask is asked about, and what stands there is not known
        """
        real = np.arange(shown.shape[1]) < lengths[:, None]
        asked = np.flatnonzero(real & (shown == MASK_ID if targets is None else targets >= OWN_IDS))
        width = self.width(*shown.shape) if targets is not None else bucket(len(asked))
        places, answers = np.full((2, 1, max(width, len(asked))), -1, np.int64)
        places[0, : len(asked)] = asked
        if targets is not None:
            answers[0, : len(asked)] = targets.reshape(-1)[asked]
        return places, answers

    def width(self, rows: int, positions: int) -> int:
        """M of a batch that is asked about a share of its tokens: the same for all of its size."""
        return rows * self.most(positions)

    def most_masks(self, column: Sequences, rows: int) -> int:
        """M of a batch of so many of the rows that somebody has written masks in."""
        each = np.add.reduceat(column.ids == MASK_ID, column.offsets[:-1]) if len(column.lengths) else np.zeros(1)
        return bucket(int(np.sort(each)[::-1][:rows].sum()))


def bucket(count: int) -> int:
    """Few different ones, so that few programs are compiled."""
    return 1 << max(count - 1, 0).bit_length()


def asked_of(ports: tuple[Port, ...]) -> tuple[Asked, ...]:
    return tuple(
        Asked(p.name, p.per, sequence_symbol_of(along(p, ports), ports), p.sort.rate)
        for p in ports
        if isinstance(p.sort, Masked) and p.per is not None
    )


def places_in(column: Sequences, rows: Ids, places: Ids, positions: int) -> Ids:
    """Where in a column, all rows end to end, the places of a batch of these rows stand. positions: T of the batch"""
    row, position = np.divmod(places, positions)
    return column.offsets[rows[row]] + position
