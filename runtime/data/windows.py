"""Windows of a running text: each word with its neighbours in the line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from compiler.settings.data import Windows
from dsl.errors import Diagnostic
from runtime.data.splits import draws, permutation
from runtime.data.tokens import Sequences

TOGETHER = 1 << 15
"""Words whose windows are made, and mixed, together: many batches, and little memory."""

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Pairs:
    """Examples, without an order.

    centers: i64[N]; around: of skipgram one neighbour each, i64[N], of cbow all of them: Sequences
    """

    centers: Ids
    around: Ids | Sequences

    def __len__(self) -> int:
        return len(self.centers)

    def take(self, rows: Ids) -> Pairs:
        around = self.around
        return Pairs(self.centers[rows], around.take(rows) if isinstance(around, Sequences) else around[rows])

    @staticmethod
    def joined(first: Pairs, second: Pairs) -> Pairs:
        centers = np.concatenate([first.centers, second.centers])
        if isinstance(first.around, Sequences) and isinstance(second.around, Sequences):
            ids = np.concatenate([first.around.ids, second.around.ids])
            offsets = np.concatenate([first.around.offsets, second.around.offsets[1:] + len(first.around.ids)])
            return Pairs(centers, Sequences(ids, offsets))
        return Pairs(centers, np.concatenate([first.around, second.around]))  # type: ignore[list-item]


@dataclass(frozen=True)
class RunningText:
    """A text to learn from, whose windows are drawn anew in each epoch.

    lines: ids from OWN_IDS on; given, asked: the names of the input and the output
    kept: how likely each id stays in an epoch, f64[V]; None for always
    """

    lines: Sequences
    windows: Windows
    given: str
    asked: str
    kept: NDArray[np.float64] | None

    @property
    def words(self) -> int:
        return len(self.lines.ids)

    @property
    def expected_words(self) -> float:
        """How many words an epoch has on average, once `subsample` has left some out."""
        return float(self.words if self.kept is None else self.kept[self.lines.ids].sum())

    @property
    def most(self) -> int:
        """Examples of an epoch, at most: of skipgram one a neighbour, of cbow one a word."""
        return self.words * (self.widest if self.windows.kind == "skipgram" else 1)

    @property
    def widest(self) -> int:
        """Neighbours of a word, at most."""
        return 2 * self.windows.radius

    def columns(self, pairs: Pairs) -> dict[str, Ids | Sequences]:
        """By input and output."""
        if self.windows.kind == "cbow":
            return {self.given: pairs.around, self.asked: pairs.centers}
        return {self.given: pairs.centers, self.asked: pairs.around}

    def everything(self) -> Pairs:
        """All windows as wide as they can be, no word left out: what is scored."""
        return _pairs(self.lines, np.full(self.words, self.windows.radius), self.windows)

    def epoch(self, seed: int, epoch: int) -> Iterator[Pairs]:
        """The examples of an epoch in the order of training: lines are mixed, then the examples of some lines."""
        for part, lines in enumerate(self._parts(seed, epoch)):
            chosen = self._drawn(lines, seed, epoch, part)
            pairs = _pairs(chosen, self._radii(len(chosen.ids), seed, epoch, part), self.windows)
            yield pairs.take(permutation(len(pairs), "order of windows", seed, epoch, part))

    def count(self, seed: int, epoch: int) -> int:
        """How many examples the epoch has."""
        found = 0
        for part, lines in enumerate(self._parts(seed, epoch)):
            chosen = self._drawn(lines, seed, epoch, part)
            reach = _reach(chosen.offsets, self._radii(len(chosen.ids), seed, epoch, part))
            found += int(reach.sum() if self.windows.kind == "skipgram" else np.count_nonzero(reach))
        return found

    def batches(self, size: int, seed: int, epoch: int, start: int) -> Iterator[Pairs]:
        """In batches of so many, from batch `start` on; the last one may be smaller."""
        rest: Pairs | None = None
        skip = start * size
        for pairs in self.epoch(seed, epoch):
            if rest is not None:
                pairs = Pairs.joined(rest, pairs)
            if skip >= len(pairs):
                skip, rest = skip - len(pairs), None
                continue
            begin, skip = skip, 0
            whole = begin + (len(pairs) - begin) // size * size
            for at in range(begin, whole, size):
                yield pairs.take(np.arange(at, at + size))
            rest = pairs.take(np.arange(whole, len(pairs)))
        if rest is not None and len(rest):
            yield rest

    def _parts(self, seed: int, epoch: int) -> Iterator[Sequences]:
        """All lines, mixed, some at a time."""
        order = permutation(len(self.lines.lengths), "order of lines", seed, epoch)
        upto = np.cumsum(self.lines.lengths[order])
        cuts = np.flatnonzero(np.diff(upto // TOGETHER)) + 1
        return (self.lines.take(lines) for lines in np.split(order, cuts))

    def _drawn(self, lines: Sequences, seed: int, epoch: int, part: int) -> Sequences:
        """Without the words that this epoch leaves out."""
        if self.kept is None:
            return lines
        stays = draws(len(lines.ids), "words that stay", seed, epoch, part) < self.kept[lines.ids]
        return without(lines, stays)

    def _radii(self, words: int, seed: int, epoch: int, part: int) -> Ids:
        radius = self.windows.radius
        if not self.windows.shrink:
            return np.full(words, radius)
        return 1 + (draws(words, "radius", seed, epoch, part) * radius).astype(np.int64)


def without(lines: Sequences, stays: NDArray[np.bool_]) -> Sequences:
    """The words that stay; a line may come to be empty."""
    upto = np.concatenate([[0], np.cumsum(stays)])
    return Sequences(lines.ids[stays], upto[lines.offsets])


def _reach(offsets: Ids, radii: Ids) -> Ids:
    """How many neighbours each word has, i64[words]."""
    lengths = np.diff(offsets)
    place = np.arange(len(radii)) - np.repeat(offsets[:-1], lengths)
    return np.minimum(radii, place) + np.minimum(radii, np.repeat(lengths, lengths) - 1 - place)


def _pairs(lines: Sequences, radii: Ids, windows: Windows) -> Pairs:
    """radii: i64[words], of each word how far its neighbours are away at most."""
    ids, lengths = lines.ids.astype(np.int64), np.diff(lines.offsets)
    line = np.repeat(np.arange(len(lengths)), lengths)
    if windows.kind == "cbow":
        return _bags(ids, line, radii, windows.radius)
    centers: list[Ids] = []
    around: list[Ids] = []
    for away in range(1, min(windows.radius, len(ids) - 1) + 1):
        near = line[away:] == line[:-away]
        for centre, other in ((slice(None, -away), slice(away, None)), (slice(away, None), slice(None, -away))):
            here = near & (radii[centre] >= away)
            centers.append(ids[centre][here])
            around.append(ids[other][here])
    none = [np.zeros(0, np.int64)]
    return Pairs(np.concatenate(centers or none), np.concatenate(around or none))


def _bags(ids: Ids, line: Ids, radii: Ids, radius: int) -> Pairs:
    """Each word that has neighbours, with all of them, from left to right."""
    aways = np.array([away for away in range(-radius, radius + 1) if away])
    places = np.arange(len(ids))[:, None] + aways
    inside = (places >= 0) & (places < len(ids)) & (np.abs(aways) <= radii[:, None])
    places = np.clip(places, 0, max(len(ids) - 1, 0))
    inside &= line[places] == line[:, None]
    counts = inside.sum(axis=1)
    some = counts > 0
    offsets = np.concatenate([[0], np.cumsum(counts[some])])
    return Pairs(ids[some], Sequences(ids[places][inside].astype(np.int32), offsets))


def nothing_stays(windows: Windows, left: str) -> Diagnostic:
    """Where `subsample` leaves out so much that no word has a neighbour."""
    return Diagnostic(
        "NN790",
        f"subsample {windows.subsample:g} leaves {left}",
        windows.span,
        help="give more text or a larger share, or leave subsample out",
    )


def take_lines(text: RunningText, lines: Ids) -> RunningText:
    return replace(text, lines=text.lines.take(lines))
