"""Where in one arena the regions are: those that live at the same time lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from compiler.plan.plan import Region

ALIGNMENT = 64
"""Bytes: a cache line, and the widest vector register."""


def arranged(regions: Sequence[Region], threads: Sequence[int | None] = ()) -> tuple[tuple[Region, ...], int]:
    """The regions with their offsets, and how many bytes the arena must have.

    threads: of each region the one that owns it, if any; it shares memory with nobody, who would have to wait for it

    Largest first, each at the lowest place where it fits. Source: Pisarchyk and Lee 2020, arXiv:2001.03288, "greedy by
    size for offset calculation".
    """
    offsets: dict[int, int] = {}
    placed: list[tuple[int, int, int, int, int]] = []  # offset, end, born, dies, number; in order of offset
    order = sorted((i for i, r in enumerate(regions) if r.store is None), key=lambda i: (-regions[i].bytes, i))
    for i in order:
        region = regions[i]
        size = _aligned(region.bytes)
        offset = 0
        for begin, end, born, dies, other in placed:
            apart = bool(threads) and threads[i] != threads[other]
            if not apart and (born > region.dies or dies < region.born):
                continue
            if begin - offset >= size:
                break
            offset = max(offset, end)
        offsets[i] = offset
        placed.append((offset, offset + size, region.born, region.dies, i))
        placed.sort()
    total = max((end for _, end, *_ in placed), default=0)
    return tuple(replace(r, offset=offsets.get(i, 0)) for i, r in enumerate(regions)), total


def _aligned(size: int) -> int:
    # Something at least, so that no two regions begin at the same place.
    return -(-max(size, 1) // ALIGNMENT) * ALIGNMENT
