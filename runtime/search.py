"""Which text a decoder writes: the likeliest token each time, one that is drawn, or the best of several kept beside."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from compiler.settings.predict import PredictSettings
from runtime.backend import Array
from runtime.data.tokens import BEGIN, END
from runtime.sampling import choose, draws

Ids = NDArray[np.int64]
FEW = 8
"""Examples that are not halved any more: each number of rows has a program of its own."""
GROUP = 8
"""Ids whose largest probability is looked at first."""


class Decoder(Protocol):
    """What tells, for some rows at once, which token comes next."""

    def expected(self, ids: Ids) -> Array:
        """The probability of each id to come next, f[rows, V], once each row has read one token more."""
        ...

    def follow(self, parents: Ids, since: Ids) -> None:
        """Row i goes on from what row parents[i] has read. There may be fewer than before, and never more.

        since: of each row up to which position, from 0 on, the two have read the same
        """
        ...


@dataclass
class _Ended:
    """The texts of one example that have ended: how good each is, and its tokens."""

    found: list[tuple[float, list[int]]] = field(default_factory=list["tuple[float, list[int]]"])

    def best(self) -> float:
        return max((score for score, _ in self.found), default=-np.inf)


def penalty(length: int, power: float) -> float:
    """What a text's log-probability is divided by: ((5 + length) / 6)^power, the end counted.

    Source: Wu et al. 2016, arXiv:1609.08144, eq. 14.
    """
    return ((5 + length) / 6) ** power


def drawn(decoder: Decoder, settings: PredictSettings, most: int, seeds: list[int]) -> list[list[int]]:
    """A text for each row, token by token: the likeliest, or drawn by a seed for each. Ends are left out."""
    chances = [draws(seed) for seed in seeds]
    texts: list[list[int]] = [[] for _ in seeds]
    going = np.ones(len(seeds), np.bool_)
    ids = np.full(len(seeds), BEGIN)
    for _ in range(most):
        found = decoder.expected(ids)
        if settings.temperature == 0 or settings.top == 1:
            ids = likeliest(found)
        else:
            rows = zip(found, chances, strict=True)
            ids = np.array([choose(row, settings, next(chance)) for row, chance in rows], np.int64)
        going &= ids != END
        if not going.any():
            break
        for row in np.flatnonzero(going).tolist():
            texts[row].append(int(ids[row]))
    return texts


def likeliest(probabilities: Array) -> Ids:
    """The id of each row, never one of those that no text has; an end where nothing has a probability."""
    rest = probabilities[:, END:]
    return np.where(rest.max(axis=1) > 0, rest.argmax(axis=1) + END, END)


def beam_search(decoder: Decoder, examples: int, settings: PredictSettings, most: int) -> list[list[int]]:
    """The best text of each example. The rows of the decoder are `beam` beside each other for each example.

    In each step the likeliest ways to go on are kept, `beam` of them. One that ends is laid aside where it is among the
    best `beam`; an example is done when so many have ended, or none that goes on can become better. The best is that of
    the largest log-probability over `penalty`; what is still going after `most` tokens counts where nothing has ended.
    When half of the examples are done, the decoder goes on with the other half.
    """
    beam = settings.beam
    ids = np.full(examples * beam, BEGIN)
    best: list[list[int]] = [[] for _ in range(examples)]
    there, beams = np.arange(examples), _Beams.first(examples, settings, most)
    for _ in range(most):
        parents, since = beams.grow(*best_of_each(decoder.expected(ids), 2 * beam))
        if not beams.going.any() or beams.at == most:
            break
        stay = _those_that_stay(beams.going)
        for i in np.setdiff1d(np.arange(len(there)), stay).tolist():
            best[there[i]] = beams.best(i)
        rows = (stay[:, None] * beam + parents[stay]).ravel()
        if len(stay) < len(there) or not np.array_equal(rows, np.arange(len(rows))):
            decoder.follow(rows, since[stay].ravel())
        there, beams = there[stay], beams.of(stay)
        ids = beams.texts[:, :, beams.at - 1].ravel()
    for i, example in enumerate(there.tolist()):
        best[example] = beams.best(i)
    return best


@dataclass
class _Beams:
    """Of each example the texts that go on, and those that have ended.

    scores: f64[examples, beam], their log-probabilities; texts: i64[examples, beam, most], of which `at` tokens are
    written; going: bool[examples], false where it is done
    """

    settings: PredictSettings
    scores: NDArray[np.float64]
    texts: Ids
    ended: list[_Ended]
    going: NDArray[np.bool_]
    at: int = 0

    @staticmethod
    def first(examples: int, settings: PredictSettings, most: int) -> _Beams:
        """Nothing is written, and there is one way to go on."""
        scores = np.full((examples, settings.beam), -np.inf)
        scores[:, 0] = 0
        texts = np.zeros((examples, settings.beam, most), np.int64)
        return _Beams(settings, scores, texts, [_Ended() for _ in range(examples)], np.ones(examples, np.bool_))

    def of(self, examples: Ids) -> _Beams:
        ended = [self.ended[int(i)] for i in examples]
        return replace(
            self, scores=self.scores[examples], texts=self.texts[examples], ended=ended, going=self.going[examples]
        )

    def best(self, example: int) -> list[int]:
        return _chosen(self.ended[example], self.texts[example], self.scores[example])

    def grow(self, candidates: Ids, logs: NDArray[np.float64]) -> tuple[Ids, Ids]:
        """One token more. candidates: i64[examples beam, n], logs: of each text to come next.

        Of each text which one of its example it goes on from, and how many positions, that of the begin counted, they
        have in common. An example that is done is left as it is.
        """
        count, beam, most = self.texts.shape
        total = (self.scores[:, :, None] + logs.reshape(count, beam, -1)).reshape(count, -1)
        order = np.argsort(-total, axis=1, kind="stable")[:, : 2 * beam]
        total = np.take_along_axis(total, order, 1)
        parents = order // logs.shape[1]
        tokens = np.take_along_axis(candidates.reshape(count, -1), order, 1)
        ends = tokens == END
        self._lay_aside(ends[:, :beam] & np.isfinite(total[:, :beam]), total, parents)
        # Those that go on stand before those that end, in their order.
        kept = np.argsort(ends, axis=1, kind="stable")[:, :beam]
        self.scores = np.where(np.take_along_axis(ends, kept, 1), -np.inf, np.take_along_axis(total, kept, 1))
        parents = np.take_along_axis(parents, kept, 1)
        before, self.texts = self.texts, np.take_along_axis(self.texts, parents[:, :, None], 1)
        differ = np.ones((count, beam, self.at + 1), np.bool_)
        np.not_equal(before[:, :, : self.at], self.texts[:, :, : self.at], out=differ[:, :, : self.at])
        self.texts[:, :, self.at] = np.take_along_axis(tokens, kept, 1)
        self.at += 1
        bound = self.scores.max(axis=1) / penalty(most, self.settings.length)
        for example in np.flatnonzero(self.going).tolist():
            done = self.ended[example]
            self.going[example] = len(done.found) < beam and bound[example] > done.best()
        over = np.array([bool(done.found) for done in self.ended]) & ~self.going
        own = np.arange(beam, dtype=np.int64)
        return np.where(over[:, None], own, parents), differ.argmax(axis=2) + 1

    def _lay_aside(self, ending: NDArray[np.bool_], total: NDArray[np.float64], parents: Ids) -> None:
        for example, rank in np.argwhere(ending & self.going[:, None]).tolist():
            text = self.texts[example, parents[example, rank], : self.at].tolist()
            score = total[example, rank] / penalty(self.at + 1, self.settings.length)
            self.ended[example].found.append((score, text))


def _those_that_stay(going: NDArray[np.bool_]) -> Ids:
    """All examples, or half of them, in their order, where no more are going. Halves, so that there are few sizes."""
    half = -(-len(going) // 2)
    if len(going) <= FEW or going.sum() > half:
        return np.arange(len(going))
    return np.sort(np.argsort(~going, kind="stable")[:half])


def best_of_each(probabilities: Array, wide: int) -> tuple[Ids, NDArray[np.float64]]:
    """Of each row the `wide` likeliest ids, the likeliest first, and the logarithms of their probabilities."""
    rest = probabilities[:, END:]
    wide = min(wide, rest.shape[1])
    row, place, values = _near(rest, wide)
    # Side by side, a row's candidates behind each other; at least `wide` there are of each.
    counts = np.bincount(row, minlength=len(rest))
    at = row, np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
    places = np.zeros((len(rest), counts.max()), np.int64)
    table = np.full(places.shape, -np.inf, rest.dtype)
    places[at], table[at] = place, values
    # Of equal ones the first counts, however the parts were made.
    order = np.lexsort((places, -table), axis=1)[:, :wide]
    with np.errstate(divide="ignore"):
        logs = np.log(np.take_along_axis(table, order, 1).astype(np.float64))
    return np.take_along_axis(places, order, 1) + END, logs


def _near(rest: Array, wide: int) -> tuple[Ids, Ids, Array]:
    """The `wide` largest of each row, all that equal the last of them, and few others: rows in order, columns, values.

    So many of the largest of groups are as large as the `wide`-th of a row at most. NaN counts as the largest.
    """
    count = rest.shape[1]
    width = -(-count // GROUP)
    if width < wide * 4:
        least = np.partition(rest, count - wide, axis=1)[:, count - wide]
        row, place = np.divmod(np.flatnonzero(~(rest < least[:, None])), count)
        return row, place, rest[row, place]
    largest = _folded(rest, width)
    narrow = _folded(largest, max(width // 4, wide * 2))
    least = np.partition(narrow, narrow.shape[1] - wide, axis=1)[:, narrow.shape[1] - wide]
    row, group = np.divmod(np.flatnonzero(~(largest < least[:, None])), width)
    steps = np.arange(0, count, width, dtype=np.int64)
    places = np.add(group[:, None], steps)
    # The last of a group may be behind the end: its first stands for it, and does not count.
    values = rest[row[:, None], np.where(places < count, places, group[:, None])]
    pair, inside = np.divmod(np.flatnonzero(~(values < least[row, None]) & (places < count)), places.shape[1])
    return row[pair], places[pair, inside], values[pair, inside]


def _folded(x: Array, width: int) -> Array:
    """The largest of columns that are `width` apart: [rows, n] -> [rows, width], where n is at least that."""
    whole = x.shape[1] // width * width
    largest = x[:, :whole].reshape(len(x), -1, width).max(axis=1)
    behind = largest[:, : x.shape[1] - whole]
    np.maximum(behind, x[:, whole:], out=behind)
    return largest


def _chosen(done: _Ended, texts: Ids, scores: NDArray[np.float64]) -> list[int]:
    """The best text that has ended, or else of those that have not."""
    if not done.found:
        return texts[int(scores.argmax())].tolist()
    return max(done.found, key=lambda each: each[0])[1]
