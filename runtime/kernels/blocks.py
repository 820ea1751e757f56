"""Arrays in parts: blocks that fit the cache, and the positions of a loop."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.backend import Array, Xp
from runtime.kernels.layout import reshaped


def blocks(
    xp: Xp,
    rows: int,
    whole: tuple[int, ...],
    shape: tuple[int, ...],
    arrays: Sequence[Array],
    temporaries: Sequence[Array] = (),
) -> list[tuple[Array, ...]]:
    """For every so many rows of shape a tuple of views: of each array, and of each temporary as much as the block has.

    whole: what the arrays broadcast to; shape: the same with some leading axes as one. Views of no array that is
    written are made by broadcasting.
    """
    seen = [reshaped(xp, a if a.shape == whole else xp.broadcast_to(a, whole), shape) for a in arrays]
    parts: list[tuple[Array, ...]] = []
    for start in range(0, shape[0], rows):
        count = min(rows, shape[0] - start)
        parts.append((*(a[start : start + count] for a in seen), *(t[:count] for t in temporaries)))
    return parts


def positions(count: int, reverse: bool, moving: Sequence[tuple[Array, int]]) -> list[tuple[Array, ...]]:
    """For every position a tuple of views: of each array the one with number (position + offset), modulo its length."""
    order = range(count)[::-1] if reverse else range(count)
    return [tuple(whole[(t + offset) % whole.shape[0]] for whole, offset in moving) for t in order]


def some_ended(ended: Array, reverse: bool) -> list[bool]:
    """For every position in its turn whether a row has ended there: else a step has no states to hold."""
    found: list[bool] = ended.any(axis=(1, 2)).tolist()
    return found[::-1] if reverse else found
