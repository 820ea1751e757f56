"""How the work of a kernel is shared by threads: each does the same on its own part of an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Cuts = tuple[int, ...]
"""Where each thread's share of the units ends and the next one's begins: 0 first, all of them last."""

EVEN = 8
"""So many rows a thread are shared as whole rows, however unevenly; fewer only where they come out even."""


@dataclass(frozen=True)
class Split:
    """units: of work, one after the other; count: the argument that says how many

    moves: the arguments that are more with each unit, and by how much: addresses by bytes, numbers by what they count
    rows: of the result, along its first axis, that the units are; each is as many units as another
    """

    units: int
    count: int
    moves: tuple[tuple[int, int], ...]
    rows: int

    def cuts(self, threads: int) -> Cuts:
        """At rows of the result, so that one thread has the same rows in many kernels."""
        even = self.rows >= EVEN * threads or self.rows % threads == 0
        rows = self.rows if even and self.rows else self.units
        return tuple(r * rows // threads * (self.units // rows) for r in range(threads + 1))


def split(units: int, count: int, moves: Sequence[tuple[int, int]], rows: int | None = None) -> Split:
    """rows: None or a number that does not divide the units for units that are no rows of the result"""
    whole = rows if rows and units % rows == 0 else units
    return Split(units, count, tuple((i, more) for i, more in moves if more), whole)
