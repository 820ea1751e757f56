"""Which thread does which kernel, and where one waits for what another wrote.

Work of a step is looked at in its order. What splits is shared where all are done sooner so; what does not goes to the
thread that is done with it first. A thread waits before work that reads what another wrote since, or that writes what
another read or wrote: bytes are compared, so a place that two values have one after the other counts as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from compiler.emit.memory import Bytes
from compiler.emit.split import Cuts

WAITING = 250.0
"""Nanoseconds until a thread sees what another wrote."""
UNEVEN = 1.25
"""By so much the work that threads own may differ."""
CALLING = 8000.0
"""Nanoseconds that the others must save a run of kernels: they have to be woken."""


@dataclass(frozen=True)
class Access(Bytes):
    """Bytes, and whether they are written."""

    written: bool


Accesses: TypeAlias = tuple[Access, ...]


@dataclass(frozen=True)
class Piece:
    """A line of the step that calls a kernel, or a loop of such.

    cost: for one thread, in nanoseconds; accesses: where one thread does it
    cuts, shares: where threads can share it, where each has its part, and what it reads and writes
    owner: the thread that has what it works with, and does it alone, if owners come out even
    """

    name: str
    cost: float
    accesses: Accesses
    cuts: Cuts = ()
    shares: tuple[Accesses, ...] = ()
    owner: int | None = None


Listed: TypeAlias = str | tuple[str, int] | tuple[int, int]
"""A piece, a thread's share of one, or to wait for another thread to have done so much of its list."""


@dataclass
class _Threads:
    count: int
    lists: list[list[Listed]] = field(default_factory=list[list[Listed]])
    clocks: list[float] = field(default_factory=list[float])

    def __post_init__(self) -> None:
        self.lists = [[] for _ in range(self.count)]
        self.clocks = [0.0] * self.count
        self.ends: list[list[float]] = [[] for _ in range(self.count)]
        self.known = [[0] * self.count for _ in range(self.count)]
        """Of each thread, how much it knows that each other has done."""
        self.done: list[list[tuple[int, Access]]] = [[] for _ in range(self.count)]
        """What each did that another may not know of yet: how long its list was then, and what it read or wrote."""

    def waits(self, r: int, accesses: Accesses) -> list[tuple[int, int]]:
        """For which threads r has to wait before it may do this."""
        found: list[tuple[int, int]] = []
        for q in range(self.count):
            if q != r:
                since = self.known[r][q]
                needed = max(
                    (k for k, a in self.done[q] if k > since and any(_meet(a, b) for b in accesses)), default=0
                )
                if needed:
                    found.append((q, needed))
        return found

    def end(self, r: int, accesses: Accesses, cost: float) -> float:
        start = max([self.clocks[r], *(self.ends[q][k - 1] + WAITING for q, k in self.waits(r, accesses))])
        return start + cost

    def add(self, r: int, item: Listed, accesses: Accesses, cost: float, waits: list[tuple[int, int]]) -> None:
        for q, k in waits:
            self.clocks[r] = max(self.clocks[r], self.ends[q][k - 1] + WAITING)
            self.known[r][q] = k
            self._append(r, (q, k))
        self.clocks[r] += cost
        self._append(r, item)
        self.done[r] += [(len(self.lists[r]), a) for a in accesses]
        self._forget()

    def _append(self, r: int, item: Listed) -> None:
        self.lists[r].append(item)
        self.ends[r].append(self.clocks[r])

    def _forget(self) -> None:
        """What all know of."""
        for q in range(self.count):
            least = min(self.known[r][q] for r in range(self.count) if r != q)
            if self.done[q] and self.done[q][0][0] <= least:
                self.done[q] = [(k, a) for k, a in self.done[q] if k > least]


def together(pieces: Sequence[Piece], threads: int) -> list[list[Listed]] | None:
    """A list for each thread; None where one thread alone is as fast."""
    if not pieces or threads < 2 or sum(p.cost for p in pieces) * (1 - 1 / threads) < CALLING:
        return None
    found, even = _Threads(threads), _even(pieces, threads)
    for piece in pieces:
        if even and piece.owner is not None:
            waits = found.waits(piece.owner, piece.accesses)
            found.add(piece.owner, piece.name, piece.accesses, piece.cost, waits)
            continue
        alone = [found.end(r, piece.accesses, piece.cost) for r in range(threads)]
        best = min(range(threads), key=lambda r: (alone[r], r))
        if piece.cuts:
            units = piece.cuts[-1]
            parts = [(b - a) / units for a, b in pairwise(piece.cuts)]
            ends = [found.end(r, share, piece.cost * part)
                    for r, (share, part) in enumerate(zip(piece.shares, parts, strict=True)) if part]  # fmt: skip
            if max(ends) < alone[best]:
                waits = [found.waits(r, share) for r, share in enumerate(piece.shares)]
                for r, (share, part) in enumerate(zip(piece.shares, parts, strict=True)):
                    if part:
                        found.add(r, (piece.name, r), share, piece.cost * part, waits[r])
                continue
        found.add(best, piece.name, piece.accesses, piece.cost, found.waits(best, piece.accesses))
    if sum(p.cost for p in pieces) - max(found.clocks) < CALLING:
        return None
    return found.lists


def _even(pieces: Sequence[Piece], threads: int) -> bool:
    """Whether the threads own about as much work each."""
    owned = [sum(p.cost for p in pieces if p.owner == r) for r in range(threads)]
    return max(owned) < UNEVEN * min(owned)


def apart(shares: Sequence[tuple[Accesses, ...]]) -> bool:
    """Whether no thread writes what another reads or writes. shares: of each piece each thread's."""
    threads = len(shares[0]) if shares else 0
    every = [{a for share in shares for a in share[r]} for r in range(threads)]
    return not any(_meet(a, b) for r in range(threads) for q in range(r) for a in every[r] for b in every[q])


def _meet(a: Access, b: Access) -> bool:
    return (a.written or b.written) and a.meet(b)
