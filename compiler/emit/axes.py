"""The axes that a kernel walks over: as few as can be, so that the last one is long."""

from __future__ import annotations

from collections.abc import Sequence

Strides = tuple[int, ...]


def walked(shape: Sequence[int], operands: Sequence[Strides]) -> tuple[tuple[int, ...], list[Strides]]:
    """The sizes of at least two axes, and the strides of each operand along them.

    operands: the strides of each along shape, broadcast to it. Axes of size 1 go, and neighbours become one where they
    are one for every operand. Where fewer than two are left, axes of size 1 come before.
    """
    kept = [i for i, size in enumerate(shape) if size != 1]
    sizes: list[int] = []
    strides: list[list[int]] = [[] for _ in operands]
    for i in kept:
        together = sizes and all(s[-1] == shape[i] * given[i] for s, given in zip(strides, operands, strict=True))
        if together:
            sizes[-1] *= shape[i]
        else:
            sizes.append(shape[i])
        for s, given in zip(strides, operands, strict=True):
            s[-1:] = [given[i]] if together else [*s[-1:], given[i]]
    more = max(2 - len(sizes), 0)
    if not sizes:
        # One element: it lies beside itself.
        return (1, 1), [(0, 1) for _ in operands]
    return (*(1,) * more, *sizes), [(*(0,) * more, *s) for s in strides]
