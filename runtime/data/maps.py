"""Columns of `class per photo`: a label for each pixel, whole numbers until they are ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compiler.sorts import Port
from dsl.errors import Diagnostic
from dsl.source import Span
from runtime.data import labels
from runtime.data.problems import Problems


def fit(port: Port, pixels: NDArray[Any]) -> tuple[str, ...]:
    """The labels of the training rows' pixels. Raises DataError NN717 when there is but one."""
    return labels.fit(port, map(str, np.unique(pixels).tolist()))


def encode(pixels: NDArray[Any], known: tuple[str, ...]) -> NDArray[np.int32]:
    """Each pixel's place among the known labels, UNKNOWN where it has another one."""
    found, where = np.unique(pixels, return_inverse=True)
    ids = labels.encode(list(map(str, found.tolist())), known).astype(np.int32)
    return ids[where].reshape(pixels.shape)


def counts(pixels: NDArray[Any]) -> Counter[str]:
    """How many pixels have each label."""
    found, often = np.unique(pixels, return_counts=True)
    return Counter(dict(zip(map(str, found.tolist()), often.tolist(), strict=True)))


def warn_of_unknown(
    port: Port,
    pixels: NDArray[Any],
    ids: NDArray[np.int32],
    place: Callable[[int], Span],
    part: str,
    problems: Problems,
) -> None:
    """Warn once of labels that no training row has, with the first row that has one."""
    lacking = ids == labels.UNKNOWN
    rows = np.flatnonzero(lacking.any(axis=(1, 2)))
    if not len(rows):
        return
    listed = ", ".join(f'"{value}"' for value in np.unique(pixels[lacking]).tolist()[:5])
    count = int(np.count_nonzero(lacking))
    have = "pixels of the" if count > 1 else "pixel of the"
    message = f"`{port.name}`: {count:,} {have} {part} rows have a label that no training row has: {listed}"
    help = "these pixels count as wrong"
    problems.warn(Diagnostic("NN719", message, place(int(rows[0])), "the first one", help=help, severity="warning"))
