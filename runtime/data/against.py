"""What a batch's words are told from, where that is not all others: words that are drawn, or branches of a tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Negatives, Port, Tree, levels_symbol_of, owner
from runtime.data.huffman import Huffman, huffman
from runtime.data.splits import draws
from runtime.data.tokens import OWN_IDS


@dataclass(frozen=True)
class Opponents:
    """Of one output. counts: of the words from id OWN_IDS on"""

    port: Port
    counts: tuple[int, ...]

    @cached_property
    def tree(self) -> Huffman:
        return huffman(self.counts)

    @cached_property
    def upto(self) -> NDArray[np.float64]:
        """The share of all draws that goes to words up to each."""
        assert isinstance(self.port.against, Negatives)
        # Of the commonest word's count, so that no power is too large for a float.
        weight = (np.array(self.counts, np.float64) / max(self.counts)) ** self.port.against.power
        # A word that never stands anywhere is never drawn, whatever the power.
        weight[np.array(self.counts) == 0] = 0
        return np.cumsum(weight) / weight.sum()

    @cached_property
    def guide(self) -> NDArray[np.int64]:
        """Of equal parts of 0 to 1, a power of two of them, which word's share the part begins in."""
        parts = 1 << (8 * len(self.counts)).bit_length()
        return np.minimum(self._searched(np.arange(parts) / parts), len(self.counts) - 1)

    def drawn(self, numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        """The ids of words, for numbers from 0 to below 1."""
        places = self.guide[(numbers * len(self.guide)).astype(np.int64)]
        (later,) = np.nonzero(self.upto[places] <= numbers)
        places[later] = self._searched(numbers[later])
        return np.minimum(places, len(self.counts) - 1) + OWN_IDS

    def _searched(self, numbers: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.searchsorted(self.upto, numbers, side="right")

    def negatives(self, rows: int, *key: int) -> NDArray[np.int64]:
        """i64[rows, count], which the key decides."""
        assert isinstance(self.port.against, Negatives)
        count = self.port.against.count
        return self.drawn(draws(rows * count, f"negatives of {self.port.name}", *key)).reshape(rows, count)

    def beside(
        self, targets: NDArray[np.int64], negatives: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """The rows of the table and their signs: i64[B, L]. targets: ids, below OWN_IDS where there is none

        A negative that is the target itself is left out: row 0, sign 0.
        """
        known = targets >= OWN_IDS
        if negatives is None:
            tree, ids = self.tree, np.where(known, targets, 0)
            width = levels(max(int(tree.lengths[ids].max(initial=1)), 1), tree.nodes.shape[1])
            return tree.nodes[ids, :width].astype(np.int64), tree.signs[ids, :width]
        rows = np.concatenate([targets[:, None], negatives], axis=1)
        signs = np.full(rows.shape, -1, np.int8)
        signs[:, 0] = 1
        signs[:, 1:][negatives == targets[:, None]] = 0
        signs[~known] = 0
        rows[signs == 0] = 0
        return rows, signs


def levels(deepest: int, most: int) -> int:
    """Few different ones, so that few programs are compiled."""
    return max(min(-(-deepest // 8) * 8, most), 1)


def opponents(ports: Sequence[Port], counts: Mapping[str, tuple[int, ...]]) -> dict[str, Opponents]:
    """By output."""
    return {p.name: Opponents(p, counts[owner(p)]) for p in ports if p.against is not None}


def most_levels(every: Mapping[str, Opponents]) -> dict[str, int]:
    """The sizes that outputs of trees have at most."""
    return {
        levels_symbol_of(each.port): max(each.tree.nodes.shape[1], 1)
        for each in every.values()
        if isinstance(each.port.against, Tree)
    }
