"""Words by their vectors: which are near each other, analogies, and how people find them alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from runtime.backend import Array
from runtime.data.tokens import OWN_IDS, Vocabulary

AT_ONCE = 512
"""Analogies whose nearest words are looked for together."""


@dataclass(frozen=True)
class WordVectors:
    """The rows of a table by their words. table: f[V, D], row OWN_IDS is the vocabulary's first word."""

    vocabulary: Vocabulary
    table: Array

    @cached_property
    def directions(self) -> Array:
        """f32[words, D], each of length 1; zeros stay."""
        rows = self.table[OWN_IDS:].astype(np.float32)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(lengths > 0, lengths, 1)

    def place(self, word: str) -> int | None:
        """Which word of the vocabulary it is: as it stands, else in lower case; None for neither."""
        found = self.vocabulary.index.get(word, self.vocabulary.index.get(word.lower()))
        return None if found is None else found - OWN_IDS

    def near(self, place: int, count: int) -> list[tuple[str, float]]:
        """The other words whose directions are nearest, with the cosine of the angle, the nearest first."""
        cosines = self.directions @ self.directions[place]
        cosines[place] = -np.inf
        count = min(count, len(cosines) - 1)
        order = np.argsort(-cosines, kind="stable")[:count]
        return [(self.vocabulary.tokens[i], float(cosines[i])) for i in order.tolist()]


@dataclass(frozen=True)
class AnalogyScores:
    """sections: right and asked of each; covered: questions all of whose words are known, which are those asked"""

    questions: int
    covered: int
    right: int
    sections: Mapping[str, tuple[int, int]]

    @property
    def accuracy(self) -> float:
        return self.right / self.covered if self.covered else float("nan")


def analogies(vectors: WordVectors, questions: Sequence[tuple[str, tuple[str, str, str, str]]]) -> AnalogyScores:
    """a is to b as c is to d: d should be the word nearest to b - a + c, of all but these three.

    questions: each with its section. Source: Mikolov et al. 2013, arXiv:1301.3781 (3CosAdd on directions).
    """
    known: list[tuple[str, list[int]]] = []
    for section, words in questions:
        places = [vectors.place(word) for word in words]
        if None not in places:
            known.append((section, [p for p in places if p is not None]))
    sections: dict[str, tuple[int, int]] = {}
    right = 0
    for start in range(0, len(known), AT_ONCE):
        part = known[start : start + AT_ONCE]
        a, b, c, d = np.array([places for _, places in part]).T
        of = vectors.directions
        cosines = (of[b] - of[a] + of[c]) @ of.T
        for given in (a, b, c):
            cosines[np.arange(len(part)), given] = -np.inf
        hits = cosines.argmax(axis=1) == d
        right += int(hits.sum())
        for (section, _), hit in zip(part, hits.tolist(), strict=True):
            good, asked = sections.get(section, (0, 0))
            sections[section] = good + hit, asked + 1
    return AnalogyScores(len(questions), len(known), right, sections)


@dataclass(frozen=True)
class SimilarityScores:
    """spearman: of the cosines and what people said, over the pairs of known words."""

    pairs: int
    covered: int
    spearman: float


def similarity(vectors: WordVectors, pairs: Sequence[tuple[str, str, float]]) -> SimilarityScores:
    cosines: list[float] = []
    said: list[float] = []
    for first, second, score in pairs:
        a, b = vectors.place(first), vectors.place(second)
        if a is not None and b is not None:
            cosines.append(float(vectors.directions[a] @ vectors.directions[b]))
            said.append(score)
    return SimilarityScores(len(pairs), len(said), spearman(np.array(cosines), np.array(said)))


def spearman(x: Array, y: Array) -> float:
    """The correlation of the ranks, equals sharing the mean of theirs; NaN for less than two, or all equal."""
    if len(x) < 2:
        return float("nan")
    a, b = ranks(x), ranks(y)
    a, b = a - a.mean(), b - b.mean()
    lengths = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / lengths if lengths else float("nan")


def ranks(values: Array) -> Array:
    _, group, sizes = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    return (last - (sizes - 1) / 2)[group]
