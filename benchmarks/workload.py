"""The work that every engine is given: the same batches, drawn like words of a text (log-uniform ids)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

VOCABULARY, CLASSES, BATCH, WORDS = 20_000, 2, 50, 40
BATCHES = 64
"""Different batches in rotation, so that no engine lives off warm rows."""


def batches() -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Ids [B, T], none of them padding, and labels [B]."""
    rng = np.random.Generator(np.random.Philox(2))
    found = []
    for _ in range(BATCHES):
        ids = np.exp(rng.random((BATCH, WORDS)) * np.log(VOCABULARY - 1)).astype(np.int64)
        found.append((np.clip(ids, 1, VOCABULARY - 1), rng.integers(0, CLASSES, BATCH)))
    return found
