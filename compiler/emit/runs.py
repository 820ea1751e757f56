"""What each thread does of a step, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

from compiler.emit.together import Listed, Piece

Run: TypeAlias = tuple[Sequence[Piece], Sequence[Sequence[Listed]] | None]
"""Kernels one after the other; each thread's list of them, None where one thread does all."""


def show_runs(runs: Sequence[Run], threads: int) -> str:
    """A line a kernel or loop of such: its time, roughly, and who does it."""
    rows = [("work", "us", "done by")]
    for pieces, lists in runs:
        for piece in pieces:
            rows.append((piece.name.removeprefix("compute_"), f"{piece.cost / 1000:.1f}", _by_whom(piece, lists)))
    names, times = (max(len(row[i]) for row in rows) for i in (0, 1))
    lines = [f"{name:{names}}  {us:>{times}}  {whom}" for name, us, whom in rows]
    waits = sum(_is_wait(item) for _, lists in runs for each in lists or () for item in each)
    count = f"{threads} {'thread' if threads == 1 else 'threads'}"
    return "\n".join([*lines, "", f"{count}, {waits} {'wait' if waits == 1 else 'waits'} for what another wrote"])


def _by_whom(piece: Piece, lists: Sequence[Sequence[Listed]] | None) -> str:
    if lists is None:
        return "one thread, for all around it is small"
    if any((piece.name, r) in each for r, each in enumerate(lists)):
        rows = ", ".join(str(end - begin) for begin, end in pairwise(piece.cuts))
        return f"all, in parts of {rows}"
    number = next(r for r, each in enumerate(lists) if piece.name in each)
    return f"thread {number}: {'alone it is done sooner' if piece.cuts else 'it has no parts'}"


def _is_wait(item: Listed) -> bool:
    return isinstance(item, tuple) and isinstance(item[0], int)
