"""The Huffman tree of words by their counts: which branches lead to each word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from runtime.data.tokens import OWN_IDS


@dataclass(frozen=True)
class Huffman:
    """nodes: i32[V, L], by id the inner nodes on its way from the root, numbered from 1, then 0
    signs: i8[V, L], 1 where the way takes the first branch of a node, -1 where the second, then 0
    lengths: i64[V], the length of each way; that of the program's own ids is 0
    """

    nodes: NDArray[np.int32]
    signs: NDArray[np.int8]
    lengths: NDArray[np.int64]

    def log_probabilities(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """log p of each word, f64[N, V], from scores of the inner nodes f[N, V]; -inf of the program's own ids.

        The sum over a word's way of log sigmoid(sign score).
        """
        wide = scores.astype(np.float64)
        found = np.zeros(wide.shape)
        for level in range(self.nodes.shape[1]):
            words = np.flatnonzero(self.lengths > level)
            signed = self.signs[words, level] * wide[:, self.nodes[words, level]]
            found[:, words] -= np.logaddexp(0.0, -signed)
        found[:, :OWN_IDS] = -np.inf
        return found


def huffman(counts: Sequence[int]) -> Huffman:
    """counts: of the words from id OWN_IDS on, the frequent ones first or in any order; one word has an empty way.

    Source: Huffman 1952; with two sorted queues, as word2vec builds it: of equal counts words come before inner nodes,
    and among words the later id first.
    """
    n = len(counts)
    order = sorted(range(n), key=lambda i: (counts[i], -i))
    weight = [counts[i] for i in order]
    parent, branch = [0] * max(2 * n - 1, 1), [0] * max(2 * n - 1, 1)
    word, inner = 0, n

    def smallest() -> int:
        nonlocal word, inner
        if word < n and (inner >= len(weight) or weight[word] <= weight[inner]):
            word += 1
            return word - 1
        inner += 1
        return inner - 1

    for node in range(n, 2 * n - 1):
        first, second = smallest(), smallest()
        weight.append(weight[first] + weight[second])
        parent[first], parent[second] = node, node
        branch[first], branch[second] = 1, -1
    ways = [_way(i, parent, branch, 2 * n - 2) for i in range(n)]
    deepest = max(1, *map(len, ways))
    nodes, signs = np.zeros((n + OWN_IDS, deepest), np.int32), np.zeros((n + OWN_IDS, deepest), np.int8)
    lengths = np.zeros(n + OWN_IDS, np.int64)
    for place, way in enumerate(ways):
        id = order[place] + OWN_IDS
        lengths[id] = len(way)
        for level, (node, sign) in enumerate(way):
            # The root is node 1.
            nodes[id, level], signs[id, level] = 2 * n - 1 - node, sign
    return Huffman(nodes, signs, lengths)


def _way(leaf: int, parent: Sequence[int], branch: Sequence[int], root: int) -> list[tuple[int, int]]:
    """From the root on, each inner node and the branch that is taken there."""
    found: list[tuple[int, int]] = []
    at = leaf
    while at != root:
        found.append((parent[at], branch[at]))
        at = parent[at]
    return found[::-1]
